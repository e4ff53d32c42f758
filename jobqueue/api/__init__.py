"""What every resource of the REST API stands on; resources of an app live in that app.

Rows in lists and one by one are a :class:`resources.CompanyRows` (``jobqueue.api.categories`` is a whole example)::

    class Categories(CompanyRows):
        levels = {"create": "administer"}      # by action; left out, reading needs view, the rest schedule
        model = Category
        shown_as = CategorySerializer          # of answers; bodies have a StrictSerializer of their own
        filterset_class = CategoryFilters      # derives from filtering.ListFilters: search, ordering, filters
        pagination_class = CursorPages         # only for logs; page numbers otherwise

        def rows(self):
            return Category.objects.filter(company=self.company)

        @extend_schema(operation_id="categories_create", request=CategoryWrite, responses={201: CategorySerializer})
        def create(self, request, *args, **kwargs):
            made = lifecycle.create_category(self.company, self.read(CategoryWrite), actor=self.actor)
            return self.shown(made, status=201)

and two addresses by :func:`urls.rows`. Changes and deletions go through ``with self.expecting() as row:``, which guards
them by ``If-Match`` (name :data:`conditions.IF_MATCH` among their parameters). Other views derive from
:class:`views.ApiView`, or :class:`views.CompanyApiView` where the address names a company; ``levels`` goes by method
there. Every operation has an ``operation_id`` that stays; refusals are written into the OpenAPI document by
``schema.add_refusals``. Choices are words (:class:`words.WordField`), named in ``ENUM_NAME_OVERRIDES``.

Then these hold: the company is one the user may work in and the token is good for, else 404; ``self.actor`` is the
acting identity for verbs; both the user's level and the token's scopes are checked; every refusal leaves as problem
details (RFC 9457) with the stable code of the error; lists come in pages and answer 304 to who has them
(``conditions``); query parameters nobody knows are refused; calls are counted against a limit.

Other kinds of bearer credentials plug in with :func:`bearers.register_bearer`, scopes of their own with
``jobqueue.api_tokens.register_scope``.
"""

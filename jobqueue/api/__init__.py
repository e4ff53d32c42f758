"""What every resource of the REST API stands on; resources of an app live in that app.

A view derives from :class:`views.ApiView`, or :class:`views.CompanyApiView` where the address names a company, and says
which level each of its actions needs::

    class CategoryViewSet(CompanyApiView, ListModelMixin, GenericViewSet):
        levels = {"list": "view", "create": "administer"}   # by action; by method for plain views
        serializer_class = CategorySerializer               # derives from StrictModelSerializer

        def get_queryset(self):
            return Category.objects.filter(company=self.company)

Then these hold: the company is one the user may work in and the token is good for, else 404; ``self.actor`` is the
acting identity for verbs; both the user's level and the token's scopes are checked; every refusal leaves as problem
details (RFC 9457) with the stable code of the error; lists come in pages; calls are counted against a limit.

Other kinds of bearer credentials plug in with :func:`bearers.register_bearer`, scopes of their own with
``jobqueue.api_tokens.register_scope``.
"""

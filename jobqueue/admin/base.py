"""What every page of the admin shares: company, permissions, bounded queries, and refusals as sentences."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from jobqueue import companies, permissions
from jobqueue.admin.company import actor_of
from jobqueue.admin.paginator import EstimatingPaginator
from jobqueue.errors import Invalid, JobQueueError
from jobqueue.permissions import Level
from jobqueue.scheduler.clock import database_now

PER_PAGE = 50
SEARCHED_ROWS = 100_000


def may(request: HttpRequest, level: Level | None) -> bool:
    """Whether the viewer holds the level in the company of the address; asked once per request and level."""
    if level is None or getattr(request, "company", None) is None:
        return False
    known: dict[Level, bool] = request.__dict__.setdefault("_job_queue_levels", {})
    if level not in known:
        # The middleware let only members of the company in, so it need not be asked again.
        known[level] = permissions.may(actor_of(request), level)
    return known[level]


def works_in_every_company(request: HttpRequest) -> bool:
    """Whether no list of members limits the viewer; what concerns all companies is theirs to change."""
    if not hasattr(request, "job_queue_unlimited"):
        request.job_queue_unlimited = companies.works_in_every(request.user)
    return request.job_queue_unlimited


def now_of(request: HttpRequest) -> datetime:
    """The database's clock, read once per request."""
    if not hasattr(request, "job_queue_now"):
        request.job_queue_now = database_now()
    return request.job_queue_now


def back_to(request: HttpRequest, fallback: str) -> str:
    """The address to return to after an action: ``next`` if it stays on this host, else ``fallback``."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if wanted and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return fallback


class PagedList(ChangeList):
    """A page of rows that know the moment they were read at (``seen_at``), without a second count of all rows."""

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (DataError, OverflowError, ValueError) as error:
            # Filters in an address are typed too; Django leads to the list without them.
            raise IncorrectLookupParameters(error) from error
        self.full_result_count = self.result_count
        self.result_list = list(self.result_list)
        for row in self.result_list:
            row.seen_at = now_of(request)


class JobQueueAdmin(ModelAdmin):
    """Base of all our pages. ``…_level`` names who may do what; None means nobody, on this page."""

    view_level: Level | None = "view"
    add_level: Level | None = None
    change_level: Level | None = None
    delete_level: Level | None = None
    company_lookup: str | None = "company"

    list_per_page = PER_PAGE
    list_max_show_all = PER_PAGE
    show_full_result_count = False
    paginator = EstimatingPaginator
    compressed_fields = True
    list_fullwidth = True
    actions = None
    date_hierarchy = None
    empty_value_display = "–"
    warn_unsaved_form = True

    # --- who may
    def holds(self, request: HttpRequest, level: Level | None) -> bool:
        """Whether the viewer holds the level on this page; other apps ask their own permissions."""
        return may(request, level)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.holds(request, self.view_level)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.holds(request, self.view_level)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.holds(request, self.add_level)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.holds(request, self.change_level)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.holds(request, self.delete_level)

    def has_operate_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.holds(request, "operate")

    def has_schedule_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.holds(request, "schedule")

    def has_administer_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.holds(request, "administer")

    # --- what is seen
    def get_queryset(self, request: HttpRequest) -> QuerySet:
        queryset = super().get_queryset(request)
        if self.company_lookup is None:
            return queryset
        return queryset.filter(**{self.company_lookup: request.company})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PagedList

    # --- refusals
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Saves through the verbs; what they refuse is shown on the form, on its fields where it names one."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except JobQueueError as refusal:
            if request.method != "POST" or getattr(request, "job_queue_refusal", None) is not None:
                messages.error(request, refusal.message)
                return HttpResponseRedirect(self.list_address())
            # The transaction of the first try is rolled back; the second one shows the refusal instead of saving.
            request.job_queue_refusal = refusal
            return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if context.get("subtitle") == context.get("title"):
            context["subtitle"] = None  # the window's title names the row once
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> type:
        return refusing_form(super().get_form(request, obj, change, **kwargs), request)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """The history of entries and the audit log say more; Django's own log would only repeat them."""

    log_change = log_addition

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """As for additions."""

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Deletes through the verbs; what they refuse is said, and the row stays."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(self.list_address())

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """A row that is gone, or of another company, does not exist here: 404 instead of Django's redirect."""
        raise Http404(f"There is no {opts.verbose_name} {object_id} in {request.company}.")

    # --- addresses
    def list_address(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def card_address(self, obj: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])

    def object_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """The row, if it is of this company; anything else does not exist here. Only for those who may see the page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id} in {request.company}.")
        return found

    def acting(self, request: HttpRequest, act: Callable[[], str]) -> bool:
        """Calls a verb and shows its sentence, or its refusal, as a message; True if it was done."""
        try:
            sentence = act()
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
            return False
        messages.success(request, sentence)
        return True

    def asked_first(
        self,
        request: HttpRequest,
        *,
        level: Level,
        act: Callable[[], str],
        label: str,
        question: str,
        explanation: str = "",
        danger: bool = False,
    ) -> HttpResponse:
        """A verb of the whole list: a GET asks, a POST does it and returns to the list."""
        if not self.holds(request, level):
            raise PermissionDenied
        if request.method == "POST":
            self.acting(request, act)
            return HttpResponseRedirect(back_to(request, self.list_address()))
        verb = {"label": label, "explanation": explanation, "danger": danger}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": label,
            "question": question,
            "verb": verb,
            "back": back_to(request, self.list_address()),
        }
        return TemplateResponse(request, "jobqueue/admin/confirm.html", context)


class ReadOnlyAdmin(JobQueueAdmin):
    """Pages that only show. Nothing is added, changed or deleted on them except through verbs."""

    warn_unsaved_form = False
    newest_first: str | None = None
    """Field by which rows get newer: a search then looks through the newest ``SEARCHED_ROWS`` only. No index finds
    words inside texts, and a log may have millions of rows."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if search_term and self.newest_first is not None:
            newest = queryset.order_by(f"-{self.newest_first}").values_list(self.newest_first, flat=True)
            last = newest[SEARCHED_ROWS : SEARCHED_ROWS + 1].first()
            if last is not None:
                queryset = queryset.filter(**{f"{self.newest_first}__gt": last})
                messages.info(
                    request,
                    f"Searched the newest {SEARCHED_ROWS:,} rows. To search older ones, narrow the list first.",
                )
        return super().get_search_results(request, queryset, search_term)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), *(field.name for field in self.opts.fields)]


def refusing_form(form_class: type, request: HttpRequest) -> type:
    """A form that, on the second try, carries what the verb refused on the first."""
    refusal: JobQueueError | None = getattr(request, "job_queue_refusal", None)
    if refusal is None:
        return form_class
    said = refusal

    class RefusedForm(form_class):
        def clean(self) -> dict[str, Any]:
            cleaned = super().clean()
            put_refusal(self, said)
            return cleaned if cleaned is not None else self.cleaned_data

    return RefusedForm


def put_refusal(form: Any, refusal: JobQueueError) -> None:
    """Puts each problem on its field, or above the form when it names none the form shows."""
    if not isinstance(refusal, Invalid):
        form.add_error(None, refusal.message)
        return
    for problem in refusal.problems:
        if hasattr(form, "take_problem") and form.take_problem(problem):
            continue  # it belongs to a form inside this one
        shown_on = (
            form.field_of_problem(problem.field) if hasattr(form, "field_of_problem") else problem.field
        )
        form.add_error(shown_on if shown_on in form.fields else None, problem.message)

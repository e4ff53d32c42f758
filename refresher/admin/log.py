"""The *refresh log*: passes with their counters, newest first, and what each did to every job and why."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobqueue.admin import words
from jobqueue.admin.base import ReadOnlyAdmin, now_of
from jobqueue.admin.filters import ROW_KEY, HiddenFilter
from jobqueue.admin.polling import polled
from jobqueue.admin.record_pages import first_line
from jobqueue.admin.tabs import tab
from refresher.admin import looks
from refresher.models import MonitoredJob, RefreshLog, RefreshLogLine
from refresher.states import Action, PassState

MOST_LINES = 1_000
OPEN = (PassState.QUEUED, PassState.RUNNING)


class PassTab(HiddenFilter):
    parameter_name = "tab"
    TABS = (("", "All"), ("changed", "Did something"), ("failed", "With errors"), ("open", "Not ended"))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "changed":
            return queryset.exclude(corrected=0, restarted=0, recreated=0)
        if self.value() == "failed":
            failed = queryset.filter(state=PassState.FAILED)
            return failed | queryset.filter(failed__gt=0) | queryset.filter(registration_errors__gt=0)
        return queryset.filter(state__in=OPEN) if self.value() == "open" else queryset


class KeyFilter(HiddenFilter):
    """A row by its key; anything else finds nothing."""

    lookup = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if not value:
            return queryset
        return self.narrow(queryset, int(value)) if ROW_KEY.fullmatch(value) else queryset.none()

    def narrow(self, queryset: QuerySet, key: int) -> QuerySet:
        raise NotImplementedError


class OfRunner(KeyFilter):
    parameter_name = "runner"

    def narrow(self, queryset: QuerySet, key: int) -> QuerySet:
        return queryset.filter(runner_id=key)


class OfJob(KeyFilter):
    parameter_name = "job"

    def narrow(self, queryset: QuerySet, key: int) -> QuerySet:
        return queryset.filter(pk__in=RefreshLogLine.objects.filter(monitored_job_id=key).values("log"))


@admin.register(RefreshLog)
class RefreshLogAdmin(ReadOnlyAdmin):
    list_display = (
        "state_shown",
        "asked_shown",
        "who_shown",
        "restarted_shown",
        "corrected_shown",
        "alone_shown",
        "failed_shown",
    )
    list_display_links = None
    list_filter = (PassTab, OfRunner, OfJob)
    ordering = ("-id",)
    list_before_template = "refresher/admin/log_list_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("runner__user", "user")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        tabs = [tab(request, name, label) for name, label in PassTab.TABS]
        context = {"title": "Refresh log", "tabs": tabs, "of": self._of(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @staticmethod
    def _of(request: HttpRequest) -> str:
        """The job or runner the log is narrowed to, by name."""
        job = request.GET.get(OfJob.parameter_name, "")
        if ROW_KEY.fullmatch(job):
            found = MonitoredJob.objects.filter(company=request.company, pk=int(job)).first()
            return f"“{found}”" if found is not None else "a job that is no longer monitored"
        return "one runner user" if request.GET.get(OfRunner.parameter_name) else ""

    # --- cells
    @display(description="Pass")
    def state_shown(self, log: RefreshLog) -> SafeString:
        return looks.pass_badge(log)

    @display(description="When", ordering="id")
    def asked_shown(self, log: Any) -> SafeString:
        failed = log.state == PassState.FAILED or log.registration_errors
        return format_html(
            '<a class="jw-name-link" href="{}">{}</a><span class="jw-line {}">{}</span>',
            self.card_address(log),
            words.moment(log.started_at or log.asked_at, now=log.seen_at),
            "jw-line--error" if failed else "jw-line--subtle",
            first_line(log.message, length=140),
        )

    @display(description="Started by")
    def who_shown(self, log: RefreshLog) -> SafeString:
        return format_html(
            '{}<span class="jw-line jw-line--subtle">{}</span>', log.get_trigger_display(), who(log)
        )

    @display(description="Restarted", ordering="restarted")
    def restarted_shown(self, log: RefreshLog) -> SafeString:
        return _count(log, log.restarted + log.recreated)

    @display(description="Corrected", ordering="corrected")
    def corrected_shown(self, log: RefreshLog) -> SafeString:
        return _count(log, log.corrected)

    @display(description="Left alone", ordering="left_alone")
    def alone_shown(self, log: RefreshLog) -> SafeString:
        return _count(log, log.left_alone)

    @display(description="Failed", ordering="failed")
    def failed_shown(self, log: RefreshLog) -> SafeString:
        return _count(log, log.failed, look="jw-line--error" if log.failed else "")

    # --- one pass
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """A page of its own: nothing on it can be changed."""
        log = self.object_or_404(request, object_id or "")
        rows = list(log.lines.select_related("monitored_job").order_by("pk")[:MOST_LINES])
        order = list(Action)[::-1]
        rows.sort(key=lambda line: (order.index(Action(line.action)), line.pk))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "A pass of the refresher",
            "original": log,
            "log": log,
            "now": now_of(request),
            "badge": looks.pass_badge(log),
            "who": who(log),
            "lines": [(looks.line_badge(line), line) for line in rows],
            "is_open": log.state in OPEN,
            "took": words.duration(int((log.ended_at - log.started_at).total_seconds() * 1000))
            if log.started_at and log.ended_at
            else "",
        }
        return polled(
            request, "refresher/admin/pass_card.html", context, region="refresher/admin/pass_card_body.html"
        )


def who(log: RefreshLog) -> str:
    """As whom the pass ran, and who asked for it."""
    user = log.user.get_username() if log.user is not None else ""
    if log.runner is None:
        return user
    return f"{log.runner.name}, for {user}" if user and user != log.runner.name else log.runner.name


def _count(log: RefreshLog, number: int, *, look: str = "") -> SafeString:
    if log.state in OPEN or not number:
        return format_html('<span class="jw-none">{}</span>', "–" if log.state in OPEN else 0)
    return format_html('<span class="jw-number {}">{}</span>', look, f"{number:,}")

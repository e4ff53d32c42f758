"""Pages about all monitored jobs of a company: create from entries, simulate a pass, distribute, recreate."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from jobqueue.admin import badges
from jobqueue.admin.base import back_to, now_of
from jobqueue.admin.company import actor_of
from jobqueue.admin.entry_cells import schedule_in_words
from jobqueue.admin.verbs import VerbsAdmin, refusals_in_words
from jobqueue.admin.words import counted
from jobqueue.errors import JobQueueError
from jobqueue.models import Entry
from refresher.admin import looks
from refresher.admin.seen import setup_seen
from refresher.distributing import Move, distribute_runners
from refresher.models import MonitoredJob
from refresher.monitoring import (
    create_from_entries,
    recreate_monitored_jobs,
    set_managed_by_app,
    what_recreating_loses,
)
from refresher.passing import simulate_pass

MOST_OFFERED = 500


class JobPages(VerbsAdmin):
    """The pages' part of the monitored job admin."""

    def get_urls(self) -> list[URLPattern]:
        own = [
            self._page("from-entries/", self.from_entries, "from_entries"),
            self._page("simulate/", self.simulate, "simulate"),
            self._page("distribute/", self.distribute, "distribute"),
            self._page("recreate/", self.recreate, "recreate"),
            self._page("monitor-entry/<int:entry_no>/", self.monitor_entry, "monitor_entry"),
            self._page("unmonitor-entry/<int:entry_no>/", self.unmonitor_entry, "unmonitor_entry"),
        ]
        return own + super().get_urls()

    def _page(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        def guarded(request: HttpRequest, **named: Any) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            return view(request, **named)

        return path(route, self.admin_site.admin_view(guarded), name=f"refresher_monitoredjob_{name}")

    def _shown(
        self, request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
    ) -> HttpResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "now": now_of(request),
            "list_address": self.list_address(),
            "back": back_to(request, self.list_address()),
        }
        return TemplateResponse(request, template, {**shared, **context}, status=status)

    # --- create from entries
    def from_entries(self, request: HttpRequest) -> HttpResponse:
        """*Create from Job Queues*: each chosen entry is judged on its own."""
        if not self.holds(request, "schedule"):
            raise PermissionDenied
        offered = self._offered(request)
        chosen = {int(key) for key in request.POST.getlist("entry") if _is_number(key)}
        if request.method == "POST" and chosen:
            rows = Entry.objects.select_related("company", "user")
            entries = list(rows.filter(company=request.company, pk__in=chosen).order_by("pk")[:MOST_OFFERED])
            made = create_from_entries(entries, actor=actor_of(request), now=now_of(request))
            refused = [(str(one.entry), one.error) for one in made if one.error]
            done = len(made) - len(refused)
            sentence = f"{counted(done, 'entry', 'entries')} monitored from now on."
            if refused:
                messages.warning(request, refusals_in_words(sentence, refused))
            else:
                messages.success(request, sentence)
            return HttpResponseRedirect(back_to(request, self.list_address()))
        if request.method == "POST":
            messages.error(request, "No entry was chosen. Tick those to monitor.")
        context = {
            "title": "Create monitored jobs from entries",
            "rows": [
                (entry, badges.entry_badge(entry, now=now_of(request)), schedule_in_words(entry))
                for entry in offered
            ],
        }
        status = 422 if request.method == "POST" else 200
        return self._shown(request, "refresher/admin/from_entries.html", context, status=status)

    @staticmethod
    def _offered(request: HttpRequest) -> QuerySet:
        """Entries that could be monitored and are not."""
        monitored = MonitoredJob.objects.filter(entry_id=OuterRef("id"))
        rows = Entry.objects.filter(company=request.company, recurring=True, owner_kind="", is_system=False)
        return (
            rows.filter(~Exists(monitored))
            .select_related("user")
            .order_by("description", "pk")[:MOST_OFFERED]
        )

    # --- simulate
    def simulate(self, request: HttpRequest) -> HttpResponse:
        """What a pass would do now. Nothing is written, whatever the method."""
        results = simulate_pass(request.company, actor=actor_of(request), now=now_of(request))
        shown = [
            {
                "result": result,
                "who": result.runner.name if result.runner is not None else "",
                "outcomes": [
                    (looks.action_badge(one.action), one) for one in _changing_first(result.outcomes)
                ],
                "errors": [one for one in result.registered if one.error],
                "renewed": [
                    one for one in result.registered if not one.error and (one.is_new or one.changes)
                ],
            }
            for result in results
        ]
        context = {
            "title": "Simulate a pass",
            "results": shown,
            "setup": setup_seen(request),
            "jobs": sum(len(result.outcomes) for result in results),
        }
        return self._shown(request, "refresher/admin/simulate.html", context)

    # --- distribute
    def distribute(self, request: HttpRequest) -> HttpResponse:
        """*Distribute over runners*: a GET shows the moves, a POST makes them."""
        if not self.holds(request, "administer"):
            raise PermissionDenied
        does = request.method == "POST"
        try:
            moves = distribute_runners(
                request.company, actor=actor_of(request), preview=not does, now=now_of(request)
            )
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(back_to(request, self.list_address()))
        if does:
            messages.success(request, f"{counted(len(moves), 'monitored job')} changed hands.")
            return HttpResponseRedirect(back_to(request, self.list_address()))
        context = {
            "title": "Distribute over runners",
            "moves": sorted(moves, key=_by_runner),
            "setup": setup_seen(request),
        }
        return self._shown(request, "refresher/admin/distribute.html", context)

    # --- recreate
    def recreate(self, request: HttpRequest) -> HttpResponse:
        """*Recreate Monitored Jobs*: a GET lists what would be lost, a POST does it."""
        if not self.holds(request, "administer"):
            raise PermissionDenied
        actor = actor_of(request)
        if request.method != "POST":
            losses = what_recreating_loses(request.company, actor=actor)
            context = {"title": "Recreate monitored jobs", "losses": losses}
            return self._shown(request, "refresher/admin/recreate.html", context)
        try:
            found = recreate_monitored_jobs(request.company, actor=actor, now=now_of(request))
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
        else:
            by_code = sum(not one.error for one in found.registered)
            sentence = (
                f"Recreated: {by_code} by code, {len(found.from_entries)} from entries; {found.deleted} were there "
                "before. Nothing was started."
            )
            if found.errors:
                messages.warning(request, f"{sentence} Registration failed: {' '.join(found.errors)}")
            else:
                messages.success(request, sentence)
        return HttpResponseRedirect(back_to(request, self.list_address()))

    # --- the flag on an entry
    def monitor_entry(self, request: HttpRequest, entry_no: int) -> HttpResponse:
        entry = self._entry(request, entry_no)

        def act() -> str:
            set_managed_by_app(entry, True, actor=actor_of(request), now=now_of(request))
            return f"“{entry}” is monitored from now on."

        return self._flagged(
            request,
            entry,
            act,
            label="Monitor",
            question=f"Monitor “{entry}”?",
            explanation="A template of the entry is kept as it is now. From the next pass on it is put back when it is "
            "changed, and started again when it stops.",
        )

    def unmonitor_entry(self, request: HttpRequest, entry_no: int) -> HttpResponse:
        entry = self._entry(request, entry_no)

        def act() -> str:
            set_managed_by_app(entry, False, actor=actor_of(request), now=now_of(request))
            return f"“{entry}” is no longer monitored."

        return self._flagged(
            request,
            entry,
            act,
            label="Stop monitoring",
            question=f"Stop monitoring “{entry}”?",
            explanation="Its monitored job is deleted; the entry stays and keeps running. Nobody restarts or repairs "
            "it any more.",
            danger=True,
        )

    def _entry(self, request: HttpRequest, entry_no: int) -> Entry:
        rows = Entry.objects.select_related("company", "user").filter(company=request.company)
        entry = rows.filter(pk=entry_no).first() if entry_no < 2**63 else None
        if entry is None:
            raise Http404(f"There is no entry {entry_no} in {request.company}.")
        return entry

    def _flagged(
        self, request: HttpRequest, entry: Entry, act: Callable[[], str], **asked: Any
    ) -> HttpResponse:
        card = back_to(request, reverse("admin:jobqueue_entry_change", args=[entry.pk]))
        if request.method == "POST":
            if not self.holds(request, "schedule"):
                raise PermissionDenied
            self.acting(request, act)
            return HttpResponseRedirect(card)
        response = self.asked_first(request, level="schedule", act=act, **asked)
        response.context_data["back"] = card
        return response


def _changing_first(outcomes: list[Any]) -> list[Any]:
    order = ("failed", "recreated", "adopted", "restarted", "corrected", "left_alone")
    return sorted(outcomes, key=lambda one: (order.index(one.action), str(one.job)))


def _by_runner(move: Move) -> tuple[str, str]:
    return move.new.name, str(move.job)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16

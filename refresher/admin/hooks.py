"""What the refresher adds to the pages of the job queue: links, a light, a tile, calls for help, what is monitored."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobqueue.admin import extensions, navigation
from jobqueue.admin.base import may, now_of, works_in_every_company
from jobqueue.admin.role_centre import Light, Tile
from jobqueue.admin.verbs import Button, missing_level
from jobqueue.models import Entry
from notifications.admin import sources
from refresher.admin import looks, runners
from refresher.admin.seen import NEEDING, seen, setup_seen, works
from refresher.admin.setup_card import refreshes
from refresher.asking import is_managed, last_refreshed, monitored_job_of
from refresher.models import MonitoredJob, RefreshLog, Runner
from refresher.monitoring.checking import NOT_RECURRING
from refresher.standing import Condition, standings
from refresher.telling import ABOUT
from refresher.watching import OVERDUE, Overdue, overdue_in

QUIET = timedelta(hours=24)
"""In login mode nobody may sign in over a night."""


def register() -> None:
    """Called once, while the admin of the refresher is imported."""
    extensions.add_sidebar_group(sidebar_group, order=30)
    extensions.add_lights(lights)
    extensions.add_tiles(tiles)
    extensions.add_calls(calls)
    extensions.add_entry_panel(entry_panel)
    extensions.add_entry_lock(entry_lock)
    extensions.add_entry_column(
        extensions.EntryColumn(label="Monitored", is_used=is_used, describe=describe_entries)
    )
    sources.add_source(ABOUT, source_address)


# --- sidebar and role centre
def sidebar_group(request: HttpRequest) -> dict[str, Any]:
    if not may(request, "view"):
        return navigation.group("Refresher", [])
    failing = MonitoredJob.objects.filter(company=request.company, last_refresh_status="error").count()
    return navigation.group(
        "Refresher",
        [
            navigation.item(
                "Monitored jobs",
                icon="verified_user",
                name="refresher_monitoredjob_changelist",
                badge=f"{failing:,}" if failing else "",
                variant="danger",
            ),
            navigation.item(
                "Refresh log", icon="published_with_changes", name="refresher_refreshlog_changelist"
            ),
            navigation.item("Refresher users", icon="smart_toy", name="refresher_runner_changelist"),
            navigation.item("Refresh setup", icon="tune", name="refresher_refreshsetup_changelist"),
        ],
    )


def lights(request: HttpRequest) -> list[Light]:
    """*Refresher 12 min ago*; nothing in a company that monitors nothing."""
    if not (may(request, "view") and seen(request).standings):
        return []
    setup, now = setup_seen(request), now_of(request)
    if not refreshes(setup):
        return [Light("bad", "Refresher is off")]
    last = last_refreshed(request.company)
    overdue = _overdue(request)
    if overdue is not None and not overdue.whole:
        return [Light("bad", f"Refresher leaves out {overdue.count}")]
    if overdue is not None:
        return [Light("bad", "Refresher", last) if last else Light("bad", "Refresher has not run")]
    if last is None:
        return [Light("warn", "Refresher has not run yet")]
    quiet = now - last > (OVERDUE if setup.use_external else QUIET)
    return [Light("warn" if quiet else "good", "Refresher", last)]


def tiles(request: HttpRequest) -> list[Tile]:
    """*Monitored drifted*: jobs that are not as expected."""
    if not (may(request, "view") and seen(request).standings):
        return []
    count = len(seen(request).of(*NEEDING))
    address = f"{reverse('admin:refresher_monitoredjob_changelist')}?tab=attention"
    return [Tile("Monitored drifted", count, address, "late" if count else "quiet", "link-off")]


def calls(request: HttpRequest) -> list[extensions.Call]:
    """Nothing is refreshed though jobs are monitored, and runners that do not work though jobs count on them."""
    if not (may(request, "view") and seen(request).standings):
        return []
    setup = setup_seen(request)
    address = reverse("admin:refresher_refreshsetup_change", args=[setup.pk])
    jobs = len(seen(request).standings)
    if not refreshes(setup):
        message = (
            "External only is on and the external refresher is off. Enable it in the refresh setup."
            if setup.enabled
            else "Enabled is off in the refresh setup. Switch it on."
        )
        return [_call("Nothing is being refreshed", address, f"monitored jobs: {jobs}", message)]
    if not setup.use_external:
        return []
    found = []
    overdue = _overdue(request)
    if overdue is not None and overdue.whole:
        message = "See whether the worker outside runs and reaches this installation."
        note = "last pass" if overdue.last else "no pass yet"
        found.append(_call("Nothing is being refreshed", address, note, message, at=overdue.last))
    elif overdue is not None:
        note = f"monitored jobs: {overdue.count}"
        found.append(_call("Some jobs are not being refreshed", address, note, overdue.sentence))
    return found + _broken_runners(request)


def _overdue(request: HttpRequest) -> Overdue | None:
    """What nobody refreshes in external mode; asked once per request."""
    if not hasattr(request, "refresher_overdue"):
        setup = setup_seen(request)
        request.refresher_overdue = (
            overdue_in(setup, now=now_of(request)) if setup.use_external and refreshes(setup) else None
        )
    found: Overdue | None = request.refresher_overdue
    return found


def _broken_runners(request: HttpRequest) -> list[extensions.Call]:
    setup = setup_seen(request)
    served: dict[Any, int] = {}
    runner_of: dict[Any, Runner] = {}
    for standing in seen(request).standings:
        runner = standing.job.runner or setup.default_runner
        if runner is not None:
            served[runner.pk] = served.get(runner.pk, 0) + 1
            runner_of[runner.pk] = runner
    found = []
    for key, runner in sorted(runner_of.items()):
        if works(request, runner):
            continue
        message = (
            runner.last_error if runner.is_inactive and runner.last_error else "See what stands against it."
        )
        address = reverse("admin:refresher_runner_change", args=[key])
        note = f"runner user that does not work, monitored jobs counting on it: {served[key]}, last success"
        found.append(
            extensions.Call(
                name=runner.name,
                address=address,
                note=note if runner.last_success_at else note.removesuffix(", last success"),
                at=runner.last_success_at,
                message=message,
                buttons=_reset_button(request, runner),
            )
        )
    return found


def _reset_button(request: HttpRequest, runner: Runner) -> list[Button]:
    if not runner.is_inactive:
        return []
    verb = runners.VERBS[0]
    reason = "" if may(request, verb.level) else missing_level(verb, verb.level)
    if not reason and not works_in_every_company(request):
        reason = runners.EVERY_COMPANY
    return [Button(verb, reverse("admin:refresher_runner_reset", args=[runner.pk]), reason, verb.label)]


def _call(name: str, address: str, note: str, message: str, *, at: Any = None) -> extensions.Call:
    return extensions.Call(name=name, address=address, note=note, at=at, message=message)


# --- entries
def is_used(request: HttpRequest) -> bool:
    return MonitoredJob.objects.filter(company=request.company).exists()


def describe_entries(request: HttpRequest, entries: Iterable[Entry]) -> dict[int, SafeString]:
    """The shield of those entries that are monitored, with their condition, by entry number."""
    numbers = {entry.id: entry.pk for entry in entries}
    rows = MonitoredJob.objects.select_related("company", "runner__user")
    jobs = list(rows.filter(company=request.company, entry_id__in=list(numbers)))
    found = {}
    for standing in standings(jobs, now=now_of(request)) if jobs else []:
        key = standing.job.entry_id
        if key is not None:
            found[numbers[key]] = _shield(standing)
    return found


def _shield(standing: Any) -> SafeString:
    job = standing.job
    look = "off" if standing.condition in NEEDING else "ok"
    return format_html(
        '<a class="jw-shield jw-shield--{}" href="{}" title="Monitored: {}"><span class="material-symbols-outlined" '
        'aria-hidden="true">{}</span><span class="{}">{}</span></a>',
        look,
        reverse("admin:refresher_monitoredjob_change", args=[job.pk]),
        standing.words,
        "verified_user" if look == "ok" else "gpp_maybe",
        "jw-sr" if standing.condition is Condition.OK else "",
        standing.words,
    )


def entry_lock(entry: Entry) -> extensions.EntryLock | None:
    """While an entry is monitored, what is enforced is changed on its monitored job."""
    job = monitored_job_of(entry)
    if job is None or not is_managed(entry):
        return None
    return extensions.EntryLock(
        name=str(job),
        address=reverse("admin:refresher_monitoredjob_change", args=[job.pk]),
        label="monitored job",
        sentence="What it runs and when is changed there. Category, priorities, earliest start and expiration are open "
        "here; a pass puts back all but the earliest start.",
    )


def entry_panel(request: HttpRequest, entry: Entry) -> extensions.Panel | None:
    """*Managed by App* with its switch; nothing for entries that others look after."""
    if not may(request, "view") or entry.owner_kind or entry.is_system:
        return None
    job = monitored_job_of(entry)
    standing = standings([job], now=now_of(request))[0] if job is not None else None
    managed = job is not None and is_managed(entry)
    reason = ""
    if not may(request, "schedule"):
        reason = "Switching it needs the group “Scheduler”; ask an administrator."
    elif job is None and not entry.recurring:
        reason = NOT_RECURRING
    return extensions.Panel(
        template="refresher/admin/entry_panel.html",
        context={
            "job": job,
            "managed": managed,
            "condition": looks.condition_badge(standing.condition) if standing is not None else "",
            "standing": standing,
            "refresh_badge": looks.refresh_badge(job) if job is not None else "",
            "reason": reason,
            "monitor_address": reverse("admin:refresher_monitoredjob_monitor_entry", args=[entry.pk]),
            "unmonitor_address": reverse("admin:refresher_monitoredjob_unmonitor_entry", args=[entry.pk]),
        },
    )


# --- messages
def source_address(reference: str) -> str:
    """Where what a message is about is shown: a pass, the jobs of one, a runner, or the set-up of a company."""
    kind, _, key = reference.partition(":")
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return ""
    if kind == "jobs" and RefreshLog.objects.filter(pk=key).exists():
        return reverse("admin:refresher_refreshlog_change", args=[key])
    if kind == "runner" and Runner.objects.filter(pk=key).exists():
        return reverse("admin:refresher_runner_change", args=[key])
    if kind in ("pass", "registration"):
        return reverse("admin:refresher_refreshlog_changelist")
    return reverse("admin:refresher_refreshsetup_changelist") if kind == "company" else ""

"""What several pages of one request look at: the set-up, how every job stands, and which runners work.

Each is asked once per request, in a fixed number of queries.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from jobqueue.admin.base import now_of
from jobqueue.models import CompanyMember
from jobqueue.states import HoldKind, Status
from refresher.asking import setup_of
from refresher.models import MonitoredJob, RefreshSetup, Runner
from refresher.passing import wording
from refresher.passing.deciding import GOING_ON, HOLDS, has_expired
from refresher.runners import PERMISSION
from refresher.standing import Condition, Standing, standings
from refresher.states import Why

MOST_JUDGED = 1_000
"""More monitored jobs of one company than this are listed, but their conditions are not counted."""
NEEDING = (Condition.DRIFTED, Condition.MISSING, Condition.STOPPED, Condition.LATE)


@dataclass(frozen=True)
class Seen:
    """All monitored jobs of the company as they stand."""

    standings: list[Standing] = field(default_factory=list)

    def of(self, *conditions: Condition) -> list[Standing]:
        return [standing for standing in self.standings if standing.condition in conditions]


def seen(request: HttpRequest) -> Seen:
    """How the company's monitored jobs stand, oldest first; three queries."""
    if not hasattr(request, "refresher_seen"):
        jobs = MonitoredJob.objects.select_related("company", "runner__user")
        rows = list(jobs.filter(company=request.company).order_by("pk")[:MOST_JUDGED])
        request.refresher_seen = Seen(standings(rows, now=now_of(request)) if rows else [])
    found: Seen = request.refresher_seen
    return found


def setup_seen(request: HttpRequest) -> RefreshSetup:
    """The company's set-up; a look at a page does not store one, so a company without has its defaults."""
    if not hasattr(request, "refresher_setup"):
        setups = RefreshSetup.objects.select_related("company", "default_runner__user")
        request.refresher_setup = setups.filter(company=request.company).first() or setup_of(request.company)
    found: RefreshSetup = request.refresher_setup
    return found


def permitted_users(request: HttpRequest) -> set[int]:
    """The keys of the users that hold the permission set of runners."""
    if not hasattr(request, "refresher_permitted"):
        users = get_user_model()._default_manager
        held = users.with_perm(PERMISSION, backend="django.contrib.auth.backends.ModelBackend")
        request.refresher_permitted = set(held.values_list("pk", flat=True))
    found: set[int] = request.refresher_permitted
    return found


def shut_out_users(request: HttpRequest) -> set[int]:
    """The keys of the users that are limited to other companies than this one."""
    if not hasattr(request, "refresher_shut_out"):
        members = CompanyMember.objects.values_list("user_id", "company_id")
        companies: dict[int, set[Any]] = {}
        for user, company in members.filter(user__refresh_runner__isnull=False, user__is_superuser=False):
            companies.setdefault(user, set()).add(company)
        key = request.company.pk
        request.refresher_shut_out = {user for user, own in companies.items() if key not in own}
    found: set[int] = request.refresher_shut_out
    return found


def works(request: HttpRequest, runner: Runner) -> bool:
    """Whether the runner is enabled, active, permitted and let into the company; its card says all against it."""
    return (
        runner.is_enabled
        and runner.user.is_active
        and not runner.is_inactive
        and runner.user_id in permitted_users(request)
        and runner.user_id not in shut_out_users(request)
    )


def unserved(request: HttpRequest) -> list[tuple[MonitoredJob, str]]:
    """In external mode, the jobs nobody refreshes, each with the reason."""
    setup = setup_seen(request)
    if not setup.use_external:
        return []
    found = []
    for standing in seen(request).standings:
        runner = standing.job.runner or setup.default_runner
        if runner is None:
            found.append((standing.job, "no runner user, and no default one"))
        elif not works(request, runner):
            found.append((standing.job, f"{runner.name} does not work"))
    return found


def why_left_alone(standing: Standing, *, now: datetime) -> str:
    """Why a pass would leave the entry alone now, as far as that needs no query; empty if it would not."""
    job, entry = standing.job, standing.entry
    if entry is None:
        return ""
    if entry.owner_kind or entry.is_system:
        return wording.hands_off(job, entry, Why.OWNED)
    if has_expired(job, now=now):
        return wording.hands_off(job, entry, Why.EXPIRED)
    if entry.status == Status.ON_HOLD:
        kind = HoldKind(entry.hold_kind) if entry.hold_kind else HoldKind.PROGRAM
        if kind != HoldKind.PROGRAM:
            return wording.hands_off(job, entry, HOLDS[kind])
        if entry.held_until is not None and entry.held_until > now:
            return wording.hands_off(job, entry, Why.TIMED_HOLD)
        return ""
    why = GOING_ON.get(Status(entry.status))
    if entry.status == Status.READY and entry.attempts > 0:
        why = Why.RETRY
    return wording.going_on(entry, why, corrected=False) if why is not None else ""

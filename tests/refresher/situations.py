"""Situations of monitored jobs: rows in, one pass, what the database then says out."""

from datetime import datetime, timedelta
from typing import Any

from jobqueue.models import Company, Entry, ScheduledTask
from jobqueue.states import Origin
from refresher.adding import add, flag
from refresher.asking import setup_of
from refresher.models import MonitoredJob, RefreshLogLine, RefreshSetup, Runner
from refresher.passing import refresh_as_runner, refresh_in_login_mode
from refresher.results import Outcome, PassResult
from refresher.setup import RUNNER_GROUP
from tests.builders import NOW, actor_of, default_company, make_superuser, make_user
from tests.jobqueue.driving import ready_entry

LONG_AGO = NOW - timedelta(days=3)


def make_runner(name: str | None = None, *, permissions: tuple[str, ...] = (), **fields: Any) -> Runner:
    """An operational runner: its user holds the permission set and nothing else but ``permissions``."""
    user = make_user(name, groups=[RUNNER_GROUP], permissions=permissions)
    return Runner.objects.create(user=user, created_at=LONG_AGO, **fields)


def login_mode(company: Company | None = None, **fields: Any) -> RefreshSetup:
    """A company refreshed after sign-ins."""
    return _set_up(company, use_external=False, **fields)


def external_mode(company: Company | None = None, **fields: Any) -> RefreshSetup:
    """A company refreshed from outside, long enabled, with a default runner unless one is given."""
    if "default_runner" not in fields:
        fields["default_runner"] = make_runner()
    return _set_up(company, use_external=True, external_enabled_at=LONG_AGO, **fields)


def _set_up(company: Company | None, **fields: Any) -> RefreshSetup:
    setup = setup_of(company or default_company())
    for name, value in fields.items():
        setattr(setup, name, value)
    setup.save()
    return setup


def monitored(entry: Entry, *, is_protected: bool = False, **fields: Any) -> MonitoredJob:
    """The entry's monitored job, as it is made when its flag is set."""
    job = add(entry, actor=actor_of(make_superuser()), now=NOW).job
    for name, value in {"is_protected": is_protected, **fields}.items():
        setattr(job, name, value)
    job.save()
    if not is_protected:
        flag(entry)
    return job


def ready_job(*, now: datetime = NOW, **fields: Any) -> tuple[Entry, MonitoredJob]:
    """A recurring entry set Ready at ``now``, hourly from completion unless told otherwise, and its monitored job."""
    kept = {name: fields.pop(name) for name in ("is_protected", "runner") if name in fields}
    fields.setdefault("recurring", True)
    fields.setdefault("earliest_start_at", NOW + timedelta(hours=1))
    entry = ready_entry(now=now, **fields)
    return entry, monitored(entry, **kept)


def refresh(
    *, now: datetime = NOW, company: Company | None = None, runner: Runner | None = None
) -> PassResult:
    """One pass: as ``runner``, else as the default runner, else in login mode."""
    company = company or default_company()
    setup = setup_of(company)
    runner = runner or (setup.default_runner if setup.use_external else None)
    if runner is not None:
        return refresh_as_runner(company, actor=actor_of(runner.user, origin=Origin.API), now=now)
    return refresh_in_login_mode(company, actor=actor_of(make_superuser()), now=now)


def outcome(**given: Any) -> Outcome:
    """The only outcome of one pass."""
    (found,) = refresh(**given).outcomes
    return found


def line_of(job: MonitoredJob) -> RefreshLogLine:
    """The job's newest line in the refresh log."""
    line = RefreshLogLine.objects.filter(monitored_job=job).order_by("-pk").first()
    assert line is not None
    return line


def stored(job: MonitoredJob) -> MonitoredJob:
    return MonitoredJob.objects.get(pk=job.pk)


def entry_of(job: MonitoredJob) -> Entry:
    return Entry.objects.get(id=stored(job).entry_id)


def lose_task(entry: Entry) -> None:
    """The scheduler forgets the entry's task."""
    ScheduledTask.objects.filter(pk=Entry.objects.get(pk=entry.pk).system_task_id).delete()

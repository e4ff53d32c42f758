"""Cases of the job queue itself: poison, bursts, downtime, orderly stops, limits, fairness."""

import os
import signal
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from chaos import jobs
from chaos.mix import EVERY_DAY, make, make_category
from chaos.notes import Note
from chaos.stage import Case, Stage, succeeded
from chaos.workers import Kind, wait_for
from jobqueue.actors import Actor
from jobqueue.models import Company, Entry, LogEntry, ScheduledTask
from jobqueue.scheduler import database_now
from jobqueue.states import Anchor, HoldKind, LogStatus, MissedRuns, Origin, Status

BURST = 10_000
BURST_SECONDS = {"postgresql": 20.0, "sqlite": 60.0}
"""On SQLite all workers, the broker process and the watching suite take turns on one write lock."""
COPY_BATCH = 500
MISSED = 5
BIG, SMALL = 160, 4


def poison(stage: Stage, case: Case) -> None:
    """An entry whose every run kills its worker: held after the third, while everybody else goes on."""
    stage.worker()
    case.mix.fill_chain()
    case.mix.fill()
    entry = make(jobs.CRASH, description="poison", max_attempts=10)
    case.mix.held.add(entry.id)
    case.limit = 30
    case.fault()
    wait_for(lambda: _status(entry) not in (Status.READY, Status.IN_PROCESS), what="the poison was noticed")
    held = Entry.objects.get(pk=entry.pk)
    killed = LogEntry.objects.filter(entry_id=entry.id, error_kind="killed").count()
    case.expect(held.status == Status.ON_HOLD, f"the entry is {Status(held.status).label}, not On Hold")
    case.expect(held.hold_kind == HoldKind.POISON, f"the hold is of the kind “{held.hold_kind}”")
    case.expect(killed == 3, f"it killed {killed} workers, not 3")
    case.mix.fill()


def burst(stage: Stage, case: Case) -> None:
    """10,000 entries due in the same second, two workers."""
    _burst(stage, case, lambda: None)


def burst_with_kills(stage: Stage, case: Case) -> None:
    """The same, while workers, broker process and sentinel are killed."""

    def strike() -> None:
        for kind in (Kind.BUSY, Kind.BROKER, Kind.IDLE, Kind.SENTINEL):
            time.sleep(1.5)
            try:
                os.kill(stage.worker().pid_of(kind, held=None), signal.SIGKILL)
            except Exception:
                continue  # nobody is idle, for instance

    _burst(stage, case, strike)


def _burst(stage: Stage, case: Case, meanwhile: Callable[[], None]) -> None:
    stage.worker()
    due = database_now() + timedelta(seconds=12)
    ids = _copies(make(jobs.NOTHING, description="burst", due_at=due, max_attempts=3), BURST)
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")
    time.sleep(max(0.0, (due - database_now()).total_seconds()))
    case.fault()
    meanwhile()
    rows = LogEntry.objects.filter(object_id=jobs.NOTHING, due_at=due)
    wait_for(
        lambda: rows.filter(is_final=True).count() >= BURST,
        what="the burst was served",
        seconds=120,
        every=0.5,
    )
    last = rows.filter(attempt=0).order_by("-started_at").values_list("started_at", flat=True)[0]
    case.seconds = (last - due).total_seconds()
    case.limit = BURST_SECONDS[stage.place.kind]
    case.remark = f"all {BURST:,} had started after {case.seconds:.1f} s"
    wait_for(lambda: not Entry.objects.filter(id__in=ids[:1]).exists(), what="the entries had gone")
    case.expect(
        not Entry.objects.filter(object_id=jobs.NOTHING).exists(), "entries of the burst are left over"
    )
    success = rows.filter(status=LogStatus.SUCCESS, is_final=True).count()
    case.expect(success == BURST, f"{success:,} of {BURST:,} succeeded")
    case.expect(rows.filter(is_final=True).count() == BURST, "not one final row for each")
    _forget(rows)


def _copies(entry: Entry, count: int) -> list[uuid.UUID]:
    """Copies of a released entry and its task: the same rows in less time."""
    task = ScheduledTask.objects.get(pk=entry.system_task_id)
    ids = [entry.id]
    with transaction.atomic():
        for done in range(1, count, COPY_BATCH):
            entries, tasks = [], []
            for _ in range(min(COPY_BATCH, count - done)):
                one, its = _copy(entry, entry_no=None, id=uuid.uuid4()), _copy(task, id=uuid.uuid4())
                one.system_task_id, its.record = its.id, one.id
                entries.append(one)
                tasks.append(its)
                ids.append(one.id)
            Entry.objects.bulk_create(entries)
            ScheduledTask.objects.bulk_create(tasks)
    return ids


def _copy(row, **changed):  # type: ignore[no-untyped-def]
    copy = type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})
    for name, value in changed.items():
        setattr(copy, name, value)
    return copy


def _forget(rows) -> None:  # type: ignore[no-untyped-def]
    rows.delete()


def downtime(stage: Stage, case: Case) -> None:
    """No worker for some due moments: each entry follows its missed-run policy, the ledger names what was missed."""
    stage.without_worker()
    first = database_now().replace(second=0, microsecond=0) - timedelta(minutes=MISSED)
    late = _recurring(MissedRuns.RUN_ONCE_LATE, first)
    skipping = _recurring(MissedRuns.SKIP, first)
    after_completion = make(
        jobs.WORK, description="after completion", due_at=first, minutes_between_runs=10, **EVERY_DAY
    )
    case.mix.recurring |= {late.id, skipping.id, after_completion.id}
    case.mix.fill(due_in=-300)
    case.fault()
    began = database_now()
    stage.worker()
    case.over()
    case.limit = 10
    wait_for(
        lambda: _final(late).count() >= 2 and _final(skipping).exists(), what="the missed runs were settled"
    )
    time.sleep(1)
    rows = _final(late).filter(
        due_at__lte=began
    )  # a whole minute may pass meanwhile, and its run is in order
    missed = rows.filter(status=LogStatus.MISSED)
    ran = rows.filter(status=LogStatus.SUCCESS)
    case.expect(missed.count() == 1, f"run once late: {missed.count()} rows for what was missed")
    case.expect(ran.count() == 1, f"run once late: ran {ran.count()} times")
    for row in missed:
        case.expect(row.due_at == first, f"the first missed moment is {row.due_at}, not {first}")
        case.expect(row.gap_count in (MISSED, MISSED + 1), f"{row.gap_count} missed moments, not {MISSED}")
    rows = _final(skipping).filter(due_at__lte=began)
    case.expect(not rows.filter(status=LogStatus.SUCCESS).exists(), "skip: it ran all the same")
    case.expect(rows.filter(status=LogStatus.MISSED).count() == 1, "skip: no row names what was missed")
    case.expect(
        _final(after_completion).filter(status=LogStatus.SUCCESS).count() == 1,
        "after completion: not run once",
    )
    for entry in (late, skipping, after_completion):
        _put_off(entry)


def _recurring(policy: MissedRuns, first) -> Entry:  # type: ignore[no-untyped-def]
    return make(
        jobs.WORK,
        description=f"missed: {policy}",
        due_at=first,
        minutes_between_runs=1,
        recurrence_anchor=Anchor.FIXED.value,
        missed_runs=policy.value,
        **EVERY_DAY,
    )


def _put_off(entry: Entry) -> None:
    """Its next run is a minute away at most: later is soon enough for the check."""
    later = database_now() + timedelta(hours=1)
    found = Entry.objects.get(pk=entry.pk)
    Entry.objects.filter(pk=entry.pk).update(due_at=later, earliest_start_at=later)
    ScheduledTask.objects.filter(pk=found.system_task_id).update(not_before=later, rank=later)


def graceful_stop(stage: Stage, case: Case) -> None:
    """TERM: what runs ends well, what is claimed is given back at once, nothing is lost, nothing fails."""
    stage.without_worker()
    worker = stage.another().wait_until_ready()
    for number in range(2):
        case.mix.entry(jobs.WORK, description=f"long {number}", parameters={"seconds": "3"})
    wait_for(lambda: len(stage.notes.all("start")) == 2, what="both workers were busy")
    for number in range(20):
        case.mix.entry(jobs.WORK, description=f"waiting {number}")
    case.fault()
    worker.send(signal.SIGTERM)
    wait_for(
        lambda: not ScheduledTask.objects.filter(state=1).exists(), what="claims were given back", seconds=2
    )
    code = worker.process.wait(15)
    case.expect(code == 0, f"the worker ended with {code}")
    case.expect(succeeded(case.mix) == 2, f"{succeeded(case.mix)} runs ended well, not the 2 that ran")
    case.over()
    stage.worker()
    stage.settle(case)
    errors = LogEntry.objects.filter(entry_id__in=case.mix.all).exclude(status=LogStatus.SUCCESS)
    case.expect(not errors.exists(), f"{errors.count()} runs did not succeed")


def stop_beyond_grace(stage: Stage, case: Case) -> None:
    """TERM with a job that outlasts the grace period: its attempt fails, the next worker runs it again."""
    stage.without_worker()
    worker = stage.another(stop_grace_seconds=1).wait_until_ready()
    entry = case.mix.entry(jobs.WORK, description="long", parameters={"seconds": "4"})
    wait_for(lambda: stage.notes.all("start"), what="the job had begun")
    case.mix.fill(due_in=1)
    case.fault()
    worker.send(signal.SIGTERM)
    worker.process.wait(15)
    stage.worker()
    case.limit = 15
    stage.settle(case)
    attempts = LogEntry.objects.filter(entry_id=entry.id).count()
    case.expect(attempts == 2, f"{attempts} attempts in the ledger, not 2")


def limits(stage: Stage, case: Case) -> None:
    """Three clusters under a site limit, a limit per user and categories with slots: none is ever exceeded."""
    stage.without_worker()
    for _ in range(3):
        stage.another(workers=3, site_limit=4, user_limit=2)
    for worker in stage.extra:
        worker.wait_until_ready()
    make_category("PAIR", slots=2)
    with transaction.atomic():
        for name in ("ann", "ben", "cem"):
            by = _acting(name)
            for number in range(12):
                entry = make(
                    jobs.WORK, by=by, description=f"{name} {number}", parameters={"seconds": "0.15"},
                    category_code="PAIR" if number % 3 == 0 else "", due_in=1.5,
                )  # fmt: skip
                case.mix.once.add(entry.id)
    case.fault()
    stage.settle(case)
    case.seconds = None
    found = stage.notes.all("start", "end")
    together = _most_together(found, lambda facts: "site")
    case.expect(together["site"] <= 4, f"{together['site']} runs at once under a site limit of 4")
    case.expect(together["site"] == 4, f"the limit of 4 was never used: {together['site']} at once")
    for user, most in _most_together(found, lambda facts: facts["label"].split()[0]).items():
        case.expect(most <= 2, f"{most} runs of {user} at once under a limit of 2")
    pair = _most_together(found, lambda facts: facts["category"]).get("PAIR", 0)
    case.expect(pair <= 2, f"{pair} runs at once in a category of 2 slots")
    case.remark = f"at most {together['site']} at once, {pair} in the category of two"


def _most_together(notes: list[Note], key: Callable[[dict[str, str]], str]) -> dict[str, int]:
    """The most bodies that were open at the same moment, by key."""
    now: dict[str, int] = {}
    most: dict[str, int] = {}
    for found in sorted(notes, key=lambda found: found.at):
        name = key(found.facts)
        now[name] = now.get(name, 0) + (1 if found.what == "start" else -1)
        most[name] = max(most.get(name, 0), now[name])
    return most


def other_companys_burst(stage: Stage, case: Case) -> None:
    """A company's burst delays another company's jobs by their turns, not by the burst: companies take turns."""
    stage.worker()
    big, small = _company("big"), _company("small")
    due = database_now() + timedelta(seconds=5)
    then = due + timedelta(seconds=0.1)
    with transaction.atomic():
        for number in range(BIG):
            case.mix.once.add(make(jobs.WORK, company=big, description=f"big {number}", due_at=due).id)
        for number in range(SMALL):
            case.mix.once.add(make(jobs.WORK, company=small, description=f"small {number}", due_at=then).id)
    case.fault()
    stage.settle(case)
    starts = {found.facts["label"]: found.at for found in stage.notes.all("start")}
    order = sorted(starts, key=lambda label: starts[label])
    before = max(order.index(f"small {number}") for number in range(SMALL)) + 1 - SMALL
    rows = LogEntry.objects.filter(company=small, entry_id__in=case.mix.all)
    case.seconds = max((row.started_at - row.due_at).total_seconds() for row in rows if row.started_at)
    case.expect(
        before <= BIG // 4, f"{before} of {BIG} runs of the burst came before the small company's last"
    )
    case.remark = f"{before} of {BIG} runs of the burst came before the small company's last"


def _company(code: str) -> Company:
    return Company.objects.get_or_create(code=code, defaults={"name": code.title()})[0]


def _acting(name: str) -> Actor:
    user, _ = get_user_model().objects.get_or_create(
        username=name, defaults={"is_superuser": True, "is_staff": True}
    )
    return Actor(user=user, origin=Origin.PROGRAM)


def _status(entry: Entry) -> Status | None:
    return Entry.objects.filter(pk=entry.pk).values_list("status", flat=True).first()


def _final(entry: Entry):  # type: ignore[no-untyped-def]
    return LogEntry.objects.filter(entry_id=entry.id, is_final=True)

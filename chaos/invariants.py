"""What must be true after every case, asked of the database and of what the bodies wrote down."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q

from chaos.mix import Mix
from chaos.models import Effect
from chaos.notes import Note
from chaos.slots import beyond_slots
from jobqueue.models import Entry, LogEntry, ScheduledTask
from jobqueue.scheduler import database_now
from jobqueue.states import HoldKind, LogStatus, Status

SOON = timedelta(seconds=20)
Run = tuple[str, datetime, int]
"""Entry, due moment and attempt."""


def unsettled(mix: Mix) -> str:
    """What is still going on, in words; empty when everything has settled."""
    entries = Entry.objects.filter(id__in=mix.all)
    open_entries = entries.filter(
        Q(status__in=(Status.IN_PROCESS, Status.WAITING))
        | Q(status=Status.READY, earliest_start_at__lt=database_now() + SOON)
    )
    names = [f"“{entry}” is {Status(entry.status).label}" for entry in open_entries[:3]]
    held = ScheduledTask.objects.filter(Q(state__gt=0) | ~Q(error_kind="")).count()
    if held:
        names.append(f"{held} tasks are claimed, running or failed")
    return "; ".join(names)


def violations(mix: Mix, notes: Iterable[Note], *, overlaps_allowed: bool = False) -> list[str]:
    """Every invariant that does not hold, in words.

    ``overlaps_allowed``: a body whose run was declared lost may have gone on beside the next one. By the ledger no
    category is ever beyond its slots, whatever happened.
    """
    notes = list(notes)
    starts = [found for found in notes if found.what == "start"]
    return [
        *_holes(mix),
        *_double_finals(mix),
        *_nothing_behind(mix),
        *_repeated(mix, starts),
        *_effects(mix),
        *_overlaps(notes, excused=_lost(mix) if overlaps_allowed else set()),
        *beyond_slots(mix.all),
        *_out_of_order(starts),
    ]


def _holes(mix: Mix) -> Iterator[str]:
    """Every due moment has its final row, and every entry has ended as it should."""
    final = set(
        LogEntry.objects.filter(is_final=True, entry_id__in=mix.all).values_list("entry_id", flat=True)
    )
    for entry_id in mix.all - final:
        yield f"lost: entry {entry_id} has no final ledger row ({_state(entry_id)})"
    missing = (
        LogEntry.objects.filter(entry_id__in=mix.all)
        .values("entry_id", "due_at")
        .annotate(finals=Count("pk", filter=Q(is_final=True)))
        .filter(finals=0)
    )
    for row in missing:
        yield f"hole: due moment {row['due_at']} of entry {row['entry_id']} has rows but no final one"
    for entry in Entry.objects.filter(id__in=mix.once):
        yield f"left over: “{entry}” should have succeeded and gone, but is {Status(entry.status).label}"
    for entry in Entry.objects.filter(id__in=mix.failing).exclude(status=Status.ERROR):
        yield f"“{entry}” should be in Error, but is {Status(entry.status).label}"
    for entry in Entry.objects.filter(id__in=mix.recurring).exclude(
        Q(status=Status.READY) | Q(status=Status.ON_HOLD, hold_kind=HoldKind.PROGRAM)
    ):
        yield f"“{entry}” should be Ready for its next run, but is {Status(entry.status).label}"


def _double_finals(mix: Mix) -> Iterator[str]:
    doubled = (
        LogEntry.objects.filter(entry_id__in=mix.all, is_final=True)
        .values("entry_id", "due_at")
        .annotate(finals=Count("pk"))
        .filter(finals__gt=1)
    )
    for row in doubled:
        yield f"doubled: due moment {row['due_at']} of entry {row['entry_id']} has {row['finals']} final rows"
    succeeded = Counter(
        LogEntry.objects.filter(entry_id__in=mix.once, status=LogStatus.SUCCESS).values_list(
            "entry_id", flat=True
        )
    )
    for entry_id in mix.once:
        if succeeded[entry_id] != 1:
            yield f"entry {entry_id} runs once and has {succeeded[entry_id]} successes in the ledger"


def _nothing_behind(mix: Mix) -> Iterator[str]:
    """No entry, row or task with nothing behind it."""
    task = ScheduledTask.objects.filter(pk=OuterRef("system_task_id"))
    for entry in Entry.objects.filter(id__in=mix.all, status__in=(Status.IN_PROCESS, Status.WAITING)):
        yield f"stuck: “{entry}” is {Status(entry.status).label}"
    for entry in Entry.objects.filter(~Exists(task), id__in=mix.all, status=Status.READY):
        yield f"stuck: “{entry}” is Ready and has no task"
    for row in LogEntry.objects.filter(entry_id__in=mix.all, status=LogStatus.IN_PROCESS):
        yield f"stuck: ledger row {row.entry_no} is In Process"
    for found in ScheduledTask.objects.filter(record__in=mix.all, state__gt=0):
        yield f"stuck: task {found.pk} of {found.main_routine} is {found.get_state_display()}"


def _repeated(mix: Mix, starts: list[Note]) -> Iterator[str]:
    """A body begins at most once for an attempt, and every beginning has its ledger row."""
    begun = Counter((s.facts["entry"], s.facts["due"], s.facts["attempt"]) for s in starts)
    for (entry, due, attempt), times in begun.items():
        if times > 1:
            yield f"run twice: attempt {attempt} of entry {entry} for {due} began {times} times"
    rows = {
        (entry_id.hex, due_at, attempt)
        for entry_id, due_at, attempt in LogEntry.objects.filter(entry_id__in=mix.all).values_list(
            "entry_id", "due_at", "attempt"
        )
    }
    ours = {entry_id.hex for entry_id in mix.all}
    for entry, due, attempt in begun:
        if entry in ours and (entry, datetime.fromisoformat(due), attempt) not in rows:
            yield f"attempt {attempt} of entry {entry} for {due} ran and is not in the ledger"


def _effects(mix: Mix) -> Iterator[str]:
    effects = Counter(Effect.objects.filter(entry_id__in=mix.atomic).values_list("entry_id", flat=True))
    for entry_id in mix.atomic:
        if effects[entry_id] != 1:
            yield f"atomic entry {entry_id} left {effects[entry_id]} effects"


def _overlaps(notes: list[Note], *, excused: set[Run]) -> Iterator[str]:
    """Two bodies of the category with one slot never overlap, but for excused runs that others come to lie beside.

    A killed run lasts until its last sign of life.
    """
    runs: dict[tuple[str, int], list[int]] = {}
    names: dict[tuple[str, int], str] = {}
    open_runs: dict[str, tuple[str, int]] = {}
    for found in notes:
        entry = found.facts.get("entry", "")
        if found.what == "start" and _run_of(found) in excused:
            open_runs.pop(entry, None)
        elif found.what == "start" and found.facts["category"] == "TURNS":
            open_runs[entry] = (entry, found.at)
            runs[entry, found.at] = [found.at, found.at]
            names[entry, found.at] = found.facts["label"]
        elif found.what in ("alive", "end") and entry in open_runs:
            runs[open_runs[entry]][1] = found.at
    ordered = sorted(runs.items(), key=lambda item: item[1][0])
    for (one, (_, end)), (other, (begin, _)) in pairwise(ordered):
        if begin < end:
            yield f"category overlapped by {(end - begin) / 1e6:.0f} ms: {names[one]} and {names[other]}"


def _run_of(found: Note) -> Run:
    return found.facts["entry"], datetime.fromisoformat(found.facts["due"]), found.facts["attempt"]


def _lost(mix: Mix) -> set[Run]:
    """Runs that were declared lost: nobody can stop a process on a host, or under a supervisor, that stands still."""
    rows = LogEntry.objects.filter(entry_id__in=mix.all, error_kind="lost")
    return {
        (entry.hex, due, attempt) for entry, due, attempt in rows.values_list("entry_id", "due_at", "attempt")
    }


def _out_of_order(starts: list[Note]) -> Iterator[str]:
    """The lines of a chain begin in order, and all of them do."""
    chains: dict[str, list[int]] = defaultdict(list)
    for found in sorted(starts, key=lambda found: found.at):
        name, _, number = found.facts["label"].partition(":")
        if name.startswith("chain") and number:
            chains[name].append(int(number))
    for name, numbers in chains.items():
        if numbers != sorted(numbers) or set(numbers) != set(range(1, max(numbers) + 1)):
            yield f"{name} ran its lines in the order {numbers}"


def _state(entry_id: UUID) -> str:
    entry = Entry.objects.filter(id=entry_id).first()
    return "it is gone" if entry is None else Status(entry.status).label

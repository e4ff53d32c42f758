"""Leftovers: entries and runs nobody stands behind any more."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from jobqueue.conf import settings
from jobqueue.doctor.registry import Result, check, ok, warning
from jobqueue.housekeeping import CLEAN_UP_OBJECT, WATCH_ROUTINE
from jobqueue.models import Category, Company, Entry, LogEntry, ScheduledTask
from jobqueue.scheduler.clock import database_now
from jobqueue.states import LogStatus, Status

CHECK = "“manage.py jobqueue check-stale” settles them now; the clean-up job does so daily."


def _without_task(field: str) -> Any:
    return ~Exists(ScheduledTask.objects.filter(pk=OuterRef(field)))


@check("Entries left alone", rank=40)
def entries() -> Iterable[Result]:
    before = database_now() - timedelta(minutes=settings().stale_minutes)
    alone = Entry.objects.filter(_without_task("system_task_id")).filter(
        Q(modified_at__lt=before) | Q(modified_at=None)
    )
    problems = 0
    for status in (Status.IN_PROCESS, Status.READY, Status.WAITING):
        count = alone.filter(status=status).count()
        problems += count
        if count:
            yield warning(
                f"{count} {'entry is' if count == 1 else 'entries are'} {status.label} without a task: nothing "
                "would start them.",
                fix=CHECK if status != Status.WAITING else "Restart them; the watch wakes waiting entries.",
            )
    lost = LogEntry.objects.filter(
        _without_task("system_task_id"), status=LogStatus.IN_PROCESS, modified_at__lt=before
    ).count()
    if lost:
        yield warning(f"{lost} log entries are In Process and nobody runs them.", fix=CHECK)
    elif not problems:
        yield ok("Every entry that should run has its task.")


@check("Categories", rank=41)
def categories() -> Iterable[Result]:
    waiting = Entry.objects.filter(
        company=OuterRef("company"), category_code=OuterRef("code"), status=Status.WAITING
    )
    lost = Category.objects.filter(Exists(waiting), _without_task("recovery_task_id"))
    codes = sorted(lost.values_list("code", flat=True))
    if codes:
        yield warning(
            f"Entries wait in {', '.join(codes[:5])}, and the task that would wake a lost one is missing.",
            fix="The clean-up job makes it again; run it now to be sure.",
        )
    else:
        yield ok("Nobody waits in a category without somebody to wake them.")


@check("Housekeeping", rank=42)
def housekeeping() -> Iterable[Result]:
    problems = []
    if not ScheduledTask.objects.filter(main_routine=WATCH_ROUTINE).exists():
        problems.append("The watch, which looks every minute for what stands still, is off.")
    keeper = Entry.objects.filter(
        company=OuterRef("pk"),
        is_system=True,
        object_id=CLEAN_UP_OBJECT,
        status__in=[Status.READY, Status.IN_PROCESS, Status.WAITING],
    )
    without = list(Company.objects.filter(~Exists(keeper)).values_list("name", flat=True))
    if without:
        problems.append(f"The clean-up job of {', '.join(without[:5])} does not run.")
    if problems:
        yield warning(
            " ".join(problems),
            fix="Start a worker; it puts both back. Release a clean-up job that is On Hold.",
        )
    else:
        yield ok("Watch and clean-up jobs are on their way.")

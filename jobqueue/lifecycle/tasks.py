"""Cancelling and releasing scheduled tasks: for administrators (*Job queue reference, Scheduled Tasks*)."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from jobqueue import history, scheduler
from jobqueue.actors import Actor
from jobqueue.errors import Refused
from jobqueue.lifecycle.holding import set_on_hold
from jobqueue.models import Company, Entry, ScheduledTask
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.states import Status


def cancel_task(task: ScheduledTask, company: Company | None, *, actor: Actor) -> str:
    """Cancels a task of ``company``, None for one of the installation; the entry behind it goes On Hold.

    Returns what was done as a sentence.
    Raises ``Refused`` while it runs, or if it has started or ended meanwhile.
    """
    require(actor, "administer", company)
    if task.state == ScheduledTask.State.RUNNING:
        raise Refused("The task is running. Cancel the run of its entry instead.", code="task_running")
    entry = entry_behind(task)
    if entry is not None:
        set_on_hold(entry, actor=actor, reason="Its scheduled task was cancelled.")
        scheduler.cancel_task(task.pk)
        return f"The task was cancelled; “{entry}” is On Hold."
    if not scheduler.cancel_task(task.pk):
        raise _too_late("The task has started or ended meanwhile and cannot be cancelled.")
    return "The task was cancelled."


def set_task_ready(
    task: ScheduledTask, company: Company | None, *, actor: Actor, now: datetime | None = None
) -> str:
    """Lets a task that is not ready start as soon as a worker is free; an entry that waited for it is Ready.

    Returns what was done as a sentence; raises ``Refused`` if it has started or ended meanwhile.
    """
    require(actor, "administer", company)
    with transaction.atomic():
        if not scheduler.set_task_ready(task.pk):
            raise _too_late("The task has started or ended meanwhile.")
        entry = entry_behind(task)
        waiting = Entry.objects.filter(system_task_id=task.pk, status=Status.WAITING)
        moved = waiting.update(status=Status.READY, revision=F("revision") + 1)
        if entry is not None:
            changes = history.status_change(Status.WAITING, Status.READY) if moved else {}
            history.record(
                entry, actor=actor, action="set-task-ready", now=now or database_now(), changes=changes
            )
    return "The task is ready."


def entry_behind(task: ScheduledTask) -> Entry | None:
    """The job queue entry the task runs; None for other work."""
    return Entry.objects.filter(system_task_id=task.pk).first()


def _too_late(sentence: str) -> Refused:
    return Refused(sentence, code="task_gone")

"""What entries of monitored jobs may not: enforced fields are changed on the monitored job."""

from typing import Any

from jobqueue.actors import Actor
from jobqueue.errors import LockedField
from jobqueue.models import Entry
from jobqueue.validation import labels
from refresher import setting_up
from refresher.asking import is_managed, monitored_job_of
from refresher.models import ManagedByApp
from refresher.templates import LOCKED_ON_ENTRY


def before_change(sender: Any, entry: Entry, changed: frozenset[str], actor: Actor, **named: Any) -> None:
    """Receives ``before_change_entry``: refuses what a pass would undo, whoever asks."""
    locked = changed & LOCKED_ON_ENTRY
    if not locked:
        return
    job = monitored_job_of(entry)
    if job is not None and is_managed(entry):
        raise LockedField(
            f"“{job}” (entry {entry.pk}) is monitored; {labels(locked)} can be changed only on its monitored job "
            f"{job.pk}. Change it there, or stop monitoring the entry first.",
            code="monitored",
        )


def before_delete(sender: Any, entry: Entry, **named: Any) -> None:
    """Receives ``before_delete_entry``: the flag goes with the entry, the monitored job stays.

    Not the *after* event: a receiver of that one would cost every job that runs once its short way out.
    """
    ManagedByApp.objects.filter(entry_id=entry.id).delete()


def after_adopt(sender: Any, keep_ready: bool, **named: Any) -> None:
    """Receives ``after_adopt``: a copied database refreshes nothing before somebody switches it on."""
    if not keep_ready:
        setting_up.switch_off_everywhere()

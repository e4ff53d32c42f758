"""The extension points of the job queue: Django signals and nothing else.

Source: *Job queue reference, Extension points*. Connect to them in your app's ``AppConfig.ready``. Three kinds:

* **before** events are sent with ``send``: a receiver may change the ``draft`` it is given or veto, and its error
  counts as an error of the step.
* **after** events are sent with :func:`announce`: each receiver runs in a savepoint of its own; a receiver that fails
  is logged and never harms the job.
* **owner hooks** (``finished_owned``) belong to the finish of a run: an error rolls the finish back and it is
  retried.

Everything is sent inside the transaction of the change it reports, so what a receiver writes commits or rolls back
with that change. ``sender`` is always the ``Entry`` class; all other arguments are named below.
"""

import logging
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.dispatch import Signal

logger = logging.getLogger(__name__)

# --- entry
before_insert_entry = Signal()  # entry, actor
before_insert_recurring_entry = Signal()  # entry, actor: "before insert recurring job queue entry"
after_insert_entry = Signal()  # entry, actor
before_change_entry = Signal()  # entry, changed (names of fields), actor: raise to refuse
before_set_recurring = Signal()  # entry
run_parameters_changed = Signal()  # entry, changed: a receiver returning True/False overrides
before_set_status = Signal()  # entry, old, draft: draft.status may be changed, draft.handled set
after_set_status = Signal()  # entry, old, new
before_restart = Signal()  # entry, actor
before_delete_entry = Signal()  # entry, actor: raise to refuse
after_delete_entry = Signal()  # entry, actor
is_ready_to_start = Signal()  # entry: a receiver returning True/False decides
before_schedule_task = Signal()  # entry, draft: draft.task_id supplies a task of the receiver's own

# --- enqueue
before_enqueue = Signal()  # entry, actor
schedule_veto = Signal()  # entry: True vetoes; the entry stays On Hold with that reason
after_enqueue = Signal()  # entry

# --- dispatcher
before_run = Signal()  # entry: True skips the run
category_wait = Signal()  # entry: True/False decides whether the entry has to wait
before_execute = Signal()  # entry, log_entry
after_execute = Signal()  # entry, log_entry, draft: draft.status may be set to INACTIVITY or ON_HOLD
after_request = Signal()  # entry, execution_ms, previous_task_id
before_next_run = Signal()  # entry, base, draft: draft.moment supplies the next run (holiday calendars)
after_next_run = Signal()  # entry, base, draft: draft.moment may be adjusted
before_window_reschedule = Signal()  # entry, draft
before_waiting_reschedule = Signal()  # entry, draft
before_cleanup = Signal()  # entry: True means handled
after_cleanup = Signal()  # entry

# --- errors
before_log_error = Signal()  # entry, log_entry, error
after_log_error = Signal()  # entry, log_entry, final: on every failed attempt
handle_execution_error = Signal()  # entry, draft: own retry policy; draft.retry_at / draft.handled
before_notify = Signal()  # entry, log_entry: True means handled, failed_for_good is not sent
failed_for_good = Signal()  # entry, log_entry
stopped_by_schedule = Signal()  # entry, now: it went to Error outside a run, as its schedule leads no further

# --- ledger and owners
finished_owned = Signal()  # owner hook: entry, log_entry, succeeded, final
after_finish = Signal()  # entry, log_entry: every final ledger row
# entry, log_entry: the same for entries that are watched or notify on success. A receiver of it costs other runs
# nothing, one of after_finish keeps every run from the fast lane.
after_watched_finish = Signal()

# --- housekeeping and log
before_delete_category = Signal()  # category, actor: raise to refuse
minute_passed = Signal()  # now: the watch looks round once a minute; owners see that nothing stands still
stale_delay = Signal()  # entry: minutes, replaces the stale age
after_stale = Signal()  # entry
after_adopt = Signal()  # actor, keep_ready, now: a copied or restored database became this installation's own
before_delete_log_entries = Signal()  # log_entries, actor
before_mark_as_error = Signal()  # log_entry, draft: draft.message may be changed


class Draft:
    """A proposal that receivers of a *before* event may change: attributes are the event's proposals."""

    def __init__(self, **proposals: Any) -> None:
        self.handled = False
        self.__dict__.update(proposals)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def announce(signal: Signal, **named: Any) -> None:
    """Sends an *after* event: each receiver in a savepoint; a failing one is logged and changes nothing."""
    from jobqueue.models import Entry

    if not signal.has_listeners(Entry):
        return
    for receiver in signal._live_receivers(Entry)[0]:
        try:
            with transaction.atomic():
                receiver(signal=signal, sender=Entry, **named)
        except Exception:
            logger.exception("A receiver of an after event failed; the job is not affected.")


def announce_finish(*, entry: Any, log_entry: Any) -> None:
    """Sends the events of a final ledger row; ``entry`` is None if it is gone."""
    announce(after_finish, entry=entry, log_entry=log_entry)
    if entry is not None and entry.tells_of_ends:
        announce(after_watched_finish, entry=entry, log_entry=log_entry)


def ask(signal: Signal, **named: Any) -> Any:
    """Sends a *before* event and returns the first answer that is not None; errors of receivers propagate."""
    from jobqueue.models import Entry

    if not signal.has_listeners(Entry):
        return None
    for _receiver, answer in signal.send(sender=Entry, **named):
        if answer is not None:
            return answer
    return None

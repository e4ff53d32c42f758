"""The extension points of the refresher: Django signals and nothing else.

Source: *Refresher reference, Developer events*. ``sender`` is always the ``MonitoredJob`` class. Connect to them in
your app's ``jobs.py`` or in ``AppConfig.ready``. Beside these, ``jobqueue.events.before_insert_recurring_entry`` is
sent for every job registered by code, on every pass, before its template is built: what a receiver changes becomes
part of the template and is enforced from then on. Receivers may be called more than once for the same job, also while
a pass is only simulated, and must therefore change nothing but what they are handed.
"""

from typing import Any

from django.dispatch import Signal

# --- registration
register_jobs = Signal()  # company, registrar: register or renew own jobs; each receiver is isolated
skip_protection = Signal()  # company: True skips registration, and nothing is protected
is_customisable = Signal()  # job: True/False decides whether people may edit a protected job

# --- monitored jobs
before_build_monitored_job = Signal()  # job, entry: the template was filled from an entry
before_renew_monitored_job = (
    Signal()
)  # old, job: just before the template is saved; old is None for a new one
is_managed = Signal()  # entry: True/False overrides whether the entry counts as monitored

# --- the pass
may_create_missing_job = Signal()  # job: True permits to create its deleted entry again
may_create_missing_jobs = Signal()  # company: True permits it for all custom jobs
before_restore_entry = Signal()  # job, values: what this refresh enforces, by field name of the entry
before_find_entry = (
    Signal()
)  # job, draft: draft.entry supplies the entry and replaces the search; draft.handled
matching_entries = Signal()  # job, draft: draft.entries, the query of look-alikes, may be changed
before_modify_entry = Signal()  # job, entry: the template was applied to an existing entry


def ask(signal: Signal, **named: Any) -> Any:
    """Sends a signal and returns the first answer that is not None; what a receiver raises propagates."""
    from refresher.models import MonitoredJob

    if not signal.has_listeners(MonitoredJob):
        return None
    for _receiver, answer in signal.send(sender=MonitoredJob, **named):
        if answer is not None:
            return answer
    return None


def ask_all(signal: Signal, **named: Any) -> None:
    """Sends a signal whose receivers change what they are handed; what one raises propagates."""
    from refresher.models import MonitoredJob

    if signal.has_listeners(MonitoredJob):
        signal.send(sender=MonitoredJob, **named)

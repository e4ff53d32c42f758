"""The verbs of people, integrations and programs, one function each.

Every verb checks the actor's permission, opens its own transaction, guards against changes in between, writes the
entry's history and returns the refreshed entry. Refusals: ``NotAllowed``, ``NotFound``, ``Refused`` (with
``LockedField`` and ``ChangedMeanwhile``) and ``Invalid``.
"""

from jobqueue.guarded import ChangedMeanwhile
from jobqueue.lifecycle.adopting import adopt
from jobqueue.lifecycle.categories import (
    change_category,
    create_category,
    delete_category,
    entries_using,
    rename_category,
)
from jobqueue.lifecycle.companies import (
    add_member,
    change_company,
    create_company,
    remove_member,
    require_all_companies,
    take_default_away,
)
from jobqueue.lifecycle.credentials import change_credential, create_credential, delete_credential
from jobqueue.lifecycle.editing import change_entry, copy_entry, create_entry, set_priority_within_category
from jobqueue.lifecycle.holding import set_on_hold
from jobqueue.lifecycle.logs import delete_log_entries, mark_log_as_error
from jobqueue.lifecycle.releasing import create_ready, end_expired_holds, restart, set_ready
from jobqueue.lifecycle.removing import delete_entry, let_end, remove_failed_entries
from jobqueue.lifecycle.running import cancel_run, run_now, run_once
from jobqueue.lifecycle.tasks import cancel_task, set_task_ready
from jobqueue.lifecycle.watching import set_watched

__all__ = [
    "ChangedMeanwhile",
    "add_member",
    "adopt",
    "cancel_run",
    "cancel_task",
    "change_category",
    "change_company",
    "change_credential",
    "change_entry",
    "copy_entry",
    "create_category",
    "create_company",
    "create_credential",
    "create_entry",
    "create_ready",
    "delete_category",
    "delete_credential",
    "delete_entry",
    "delete_log_entries",
    "end_expired_holds",
    "entries_using",
    "let_end",
    "mark_log_as_error",
    "remove_failed_entries",
    "remove_member",
    "rename_category",
    "require_all_companies",
    "restart",
    "run_now",
    "run_once",
    "set_on_hold",
    "set_priority_within_category",
    "set_ready",
    "set_task_ready",
    "set_watched",
    "take_default_away",
]

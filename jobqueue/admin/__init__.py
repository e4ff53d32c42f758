"""The admin: thin doors over the verbs, one module a topic. Importing the package registers every page."""

from jobqueue.admin import (
    accounts,
    api_tokens,
    credentials,
    entries,
    entry_changes,
    error_messages,
    log_entries,
    report_inbox,
    scheduled_tasks,
    session_events,
    setting_up,
    workers,
)

__all__ = [
    "accounts",
    "api_tokens",
    "credentials",
    "entries",
    "entry_changes",
    "error_messages",
    "log_entries",
    "report_inbox",
    "scheduled_tasks",
    "session_events",
    "setting_up",
    "workers",
]

"""The admin: thin doors over the verbs, one module a topic. Importing the package registers every page."""

from jobqueue.admin import accounts, behind_the_scenes, entries, log_entries, report_inbox, setting_up

__all__ = ["accounts", "behind_the_scenes", "entries", "log_entries", "report_inbox", "setting_up"]

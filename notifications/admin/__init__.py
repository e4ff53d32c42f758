"""The pages of notifications. Importing the package registers them and what they add to the job queue's own pages."""

from notifications.admin import lists, mail_log, reading, role_centre, targets

__all__ = ["lists", "mail_log", "reading", "role_centre", "targets"]

role_centre.register()

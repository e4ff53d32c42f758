"""Notification lists, the mail outbox and its channels.

Who is told in which scenario (lists with lines, links from entries to lists), and the outbox: rows written in the
transaction of the change they report and sent later by a scheduled task.

For other apps: ``notifications.scenarios.register`` adds scenarios, ``notifications.notify.notify`` tells people of an
occasion, ``notifications.verbs`` are the verbs of people, ``notifications.events`` the extension points.
"""

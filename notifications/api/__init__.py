"""Notification lists, the mail log, targets and webhooks in the REST API.

Thin like every door: one verb of ``notifications.verbs`` each. Addresses and secrets of targets go in and never out;
only a new signing secret is shown, once.
"""

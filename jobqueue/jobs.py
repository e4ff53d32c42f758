"""Registers the product's own job objects; every installed app's ``jobs.py`` does the same for its objects."""

from jobqueue.builtin import command, http_request, log_cleanup, send_email, sql_report

__all__ = ["command", "http_request", "log_cleanup", "send_email", "sql_report"]

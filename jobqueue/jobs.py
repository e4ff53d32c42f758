"""Registers the product's own job objects; every installed app's ``jobs.py`` does the same for its objects."""

from jobqueue.builtin import clean_up_jobs, command, http_request, log_cleanup, send_email, sql_report

__all__ = ["clean_up_jobs", "command", "http_request", "log_cleanup", "send_email", "sql_report"]

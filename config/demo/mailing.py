"""Payment reminders: one “Send e-mail” entry for each customer."""

from datetime import date

from django.contrib.auth.models import User

from config.demo.places import Places
from config.demo.receivables import mark_reminded, reminders_due
from config.demo.telling import Log, silent
from jobqueue.models import Company
from jobqueue.programming import schedule

SEND_EMAIL = 4


def queue_reminders(
    places: Places,
    *,
    company: Company,
    user: User,
    today: date,
    most: int,
    grace_days: int,
    log: Log = silent,
) -> int:
    """Makes at most ``most`` one-off entries that send a reminder, ready to run as ``user``; returns how many.

    A customer is marked as reminded after the entry is stored: a run that dies in between reminds that customer twice
    rather than never.
    """
    reminders = reminders_due(places, today=today, most=most, grace_days=grace_days)
    for reminder in reminders:
        schedule(
            SEND_EMAIL,
            user=user,
            company=company,
            description=f"Payment reminder to {reminder.customer_no}",
            parameters={"to": [reminder.email], "subject": reminder.subject, "body": reminder.text},
            max_attempts=5,
            rerun_delay_seconds=180,
        )
        mark_reminded(places, customer_no=reminder.customer_no, today=today)
        log(f"Reminder for {reminder.email} queued.")
    return len(reminders)

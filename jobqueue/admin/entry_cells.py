"""Cells of the entry list that need more than a line."""

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from jobqueue import validation
from jobqueue.models import Entry
from jobqueue.schedule import ScheduleError


def schedule_in_words(entry: Entry) -> str:
    """The recurrence in one phrase; never fails, also not for a schedule that is refused elsewhere."""
    if not entry.recurring:
        return "Once"
    try:
        return validation.recurrence_of(entry).explain().removesuffix(f" ({entry.time_zone})")
    except ScheduleError as problem:
        return str(problem)


def running_user(entry: Entry) -> SafeString:
    """Who the entry runs as; a disabled user stands out, because the entry will not run."""
    if entry.user is None:
        return mark_safe('<span class="jw-none">System</span>')
    name = entry.user.get_username()
    if not entry.user.is_active:
        return format_html(
            '<span class="jw-line--error" title="This user is disabled; the entry will not run.">{} (disabled)</span>',
            name,
        )
    return format_html("{}", name)


def row_menu(entry: Entry) -> SafeString:
    """The verbs of one row behind a button that works from the keyboard and without JavaScript."""
    return mark_safe(
        render_to_string(
            "jobqueue/admin/row_menu.html",
            {"buttons": entry.row_buttons, "entry": entry, "next": entry.seen_from},
        )
    )

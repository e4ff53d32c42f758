"""Template tags of the admin's own pages.

django-unfold renders a widget while it is being imported, which loads this module; nothing here may import it.
"""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from jobqueue.admin import badges, words
from jobqueue.admin.record_pages import first_line as first_line_of
from jobqueue.admin.runs import action_in_words, changes_in_words, level_badge, progress_of, run_length
from jobqueue.models import EntryChange, LogEntry

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    return badges.icon(name)


@register.simple_tag
def moment(value: datetime | None, now: datetime, zone_name: str = "", empty: str = "–") -> SafeString:
    return words.moment(value, now=now, zone_name=zone_name, empty=empty)


@register.simple_tag
def running_for(run: LogEntry, now: datetime) -> SafeString:
    return run_length(run, now=now)


@register.simple_tag
def late_badge() -> SafeString:
    return badges.badge("Late", look="late", drawing="clock")


@register.simple_tag
def log_badge(run: LogEntry) -> SafeString:
    return badges.log_badge(run)


@register.simple_tag
def message_level(level: int) -> SafeString:
    return level_badge(level)


@register.simple_tag
def progress_bar(run: LogEntry) -> SafeString:
    """A bar with its numbers; nothing while the job reported no progress."""
    found = progress_of(run)
    if found is None:
        return mark_safe("")
    if found["percent"] is None:
        return format_html('<p class="jw-progress">{} done</p>', f"{found['done']:,}")
    return format_html(
        '<p class="jw-progress"><progress max="100" value="{}" aria-label="Progress"></progress>'
        "<span>{} % · {} of {}</span></p>",
        found["percent"],
        found["percent"],
        f"{found['done']:,}",
        f"{found['total']:,}",
    )


@register.filter
def first_line(text: str) -> str:
    return first_line_of(text or "")


@register.simple_tag
def moment_relative(value: datetime, now: datetime) -> SafeString:
    """Only the distance; the moment itself stands beside it in the entry's own zone."""
    return format_html(
        '<time class="jw-time" datetime="{}" title="{}"><span class="jw-relative">{}</span></time>',
        value.isoformat(),
        value.isoformat(),
        words.relative(value, now=now),
    )


@register.filter
def action_words(action: str) -> str:
    return action_in_words(action)


@register.simple_tag
def change_lines(change: EntryChange) -> SafeString:
    return changes_in_words(change)

"""Writing rows of the outbox, in the caller's transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from jobqueue.models import Company
from notifications.models import Message, RecipientPreference
from notifications.occasion import Told


def write(
    company: Company,
    told: Sequence[Told],
    *,
    template: str | Callable[[Told], str],
    facts: Mapping[str, Any],
    moment: datetime,
    about: tuple[str, str] = ("", ""),
    source: tuple[str, str] = ("", ""),
    is_test: bool = False,
) -> list[Message]:
    """One queued message for each, in their language and time zone; delivery is the caller's to schedule."""
    reading = _reading(told, company=company)
    usual = (settings.LANGUAGE_CODE, company.time_zone)
    messages = []
    for one in told:
        language, time_zone = reading.get(one.user.pk, usual) if one.user is not None else usual
        messages.append(
            Message(
                company=company,
                channel=one.target.kind if one.target is not None else Message.Channel.EMAIL,
                user=one.user,
                address=one.address,
                target=one.target,
                recipient=one.name[:254],
                language=language,
                time_zone=time_zone,
                scenario=one.scenarios[0] if one.scenarios else "",
                scenarios=list(one.scenarios),
                template=template(one) if callable(template) else template,
                facts=dict(facts),
                held_back=one.held_back,
                told_as=one.told_as,
                about_kind=about[0],
                about_reference=about[1],
                source_kind=source[0],
                source_reference=source[1],
                occurred_at=moment,
                next_attempt_at=moment,
                queued_at=moment,
                is_test=is_test,
            )
        )
    return Message.objects.bulk_create(messages)


def _reading(told: Iterable[Told], *, company: Company) -> dict[Any, tuple[str, str]]:
    """Language and zone of the users who chose any, by their key."""
    users = [one.user.pk for one in told if one.user is not None]
    if not users:
        return {}
    return {
        one.user_id: (one.language or settings.LANGUAGE_CODE, one.time_zone or company.time_zone)
        for one in RecipientPreference.objects.filter(user__in=users)
    }

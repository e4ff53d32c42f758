"""How a person wants to read what is sent to them."""

from django.conf import settings
from django.core.exceptions import ValidationError

from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotAllowed, Problem
from jobqueue.models.fields import validate_time_zone
from jobqueue.permissions import may
from notifications.letters import LANGUAGES
from notifications.models import RecipientPreference


def set_preference(user, *, language: str = "", time_zone: str = "", actor: Actor) -> RecipientPreference:
    """Sets language and time zone of what ``user`` is sent; empty: the site's language, the company's zone.

    Everybody sets their own, administrators everybody's. Raises ``NotAllowed`` or ``Invalid``.
    """
    if actor.user is not None and actor.user.pk != user.pk and not may(actor, "administer"):
        raise NotAllowed(
            f"“{actor.name}” may only change their own preference. Ask an administrator to change that of others."
        )
    problems = []
    language, time_zone = language.strip().lower(), time_zone.strip()
    known = [code for code, _name in settings.LANGUAGES]
    if language and (language not in known or language.split("-")[0] not in LANGUAGES):
        words = f"Messages are not written in “{language}”. Choose one of: {', '.join(LANGUAGES)}."
        problems.append(Problem("language", "unknown_language", words))
    if time_zone:
        try:
            validate_time_zone(time_zone)
        except ValidationError as error:
            problems.append(Problem("time_zone", "unknown_time_zone", " ".join(error.messages)))
    if problems:
        raise Invalid(problems)
    found, _ = RecipientPreference.objects.update_or_create(
        user=user, defaults={"language": language, "time_zone": time_zone}
    )
    return found

"""The settings of the notifications, read once from ``settings.NOTIFICATIONS`` with their defaults and units."""

from dataclasses import dataclass, fields
from functools import cache

from django.conf import settings as django_settings
from django.core.signals import setting_changed


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """Every knob of the notifications. Names carry their unit.

    ``product`` begins every subject; ``public_url`` is the address people reach the installation at, without it
    messages carry no links.
    """

    product: str = "Jobwarden"
    environment: str = ""
    public_url: str = ""
    retry_hours: int = 72
    message_retention_days: int = 90


@cache
def settings() -> NotificationSettings:
    """The current settings; unknown keys raise ``TypeError`` naming them, so a typo never goes unnoticed."""
    given = {key.lower(): value for key, value in getattr(django_settings, "NOTIFICATIONS", {}).items()}
    unknown = set(given) - {field.name for field in fields(NotificationSettings)}
    if unknown:
        raise TypeError(f"NOTIFICATIONS has unknown settings: {', '.join(sorted(unknown))}.")
    return NotificationSettings(**given)


def _forget(*, setting: str, **_: object) -> None:
    if setting == "NOTIFICATIONS":
        settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="notifications.conf")

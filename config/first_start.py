"""What a new local installation needs before anyone can sign in: demo data and an administrator."""

import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.db import transaction

from config.keys import kept_once

ADMINISTRATOR = "admin"


def password_file() -> Path:
    return settings.VAR_DIR / "admin_password"


def is_first_start() -> bool:
    """Nobody could sign in and set up anything yet. An interrupted first start is still one, and is repeated."""
    return not get_user_model().objects.filter(is_superuser=True).exists()


def prepare() -> str | None:
    """Makes the demo company and the administrator; returns the administrator's password, or None if there was one.

    The administrator comes last, because their existence says that the first start is complete.
    """
    if not is_first_start():
        return None
    if settings.DEMO and "demo" in get_commands():
        call_command("demo", verbosity=0)
    return make_administrator()


@transaction.atomic
def make_administrator() -> str:
    """The account a newcomer signs in with. Its password stays in VAR_DIR, so an interrupted start repeats itself."""
    password = kept_once(password_file(), make=lambda: secrets.token_urlsafe(12))
    user, _ = get_user_model().objects.get_or_create(username=ADMINISTRATOR)
    user.is_active = user.is_staff = user.is_superuser = True
    user.set_password(password)
    user.save()
    return password

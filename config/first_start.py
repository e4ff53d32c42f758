"""What a new local installation needs before anyone can sign in: demo data and an administrator."""

import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction

from config.keys import kept_once

ADMINISTRATOR = "admin"


def password_file() -> Path:
    return settings.VAR_DIR / "admin_password"


def is_first_start() -> bool:
    """Nobody could sign in and set up anything yet. An interrupted first start is still one, and is repeated."""
    return not get_user_model().objects.filter(is_superuser=True).exists()


def prepare() -> str | None:
    """Makes the administrator and the demo company; returns the administrator's password, or None if there was one.

    One transaction for both: an interrupted first start leaves no administrator, and so is repeated as a whole.
    """
    if not is_first_start():
        return None
    with transaction.atomic():
        password = make_administrator()
        if settings.DEMO:
            call_command("demo", verbosity=0)
    return password


def make_administrator() -> str:
    """The account a newcomer signs in with; its password stays in VAR_DIR. Call it inside a transaction."""
    password = kept_once(password_file(), make=lambda: secrets.token_urlsafe(12))
    user, _ = get_user_model().objects.get_or_create(username=ADMINISTRATOR)
    user.is_active = user.is_staff = user.is_superuser = True
    user.set_password(password)
    user.save()
    return password

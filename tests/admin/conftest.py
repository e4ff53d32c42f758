"""People of every level, signed in, and short ways to the admin of a company."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from tests import builders

LEVELS = ("Viewer", "Operator", "Scheduler", "Administrator")


@pytest.fixture
def company(db: None) -> Any:
    return builders.default_company()


@pytest.fixture
def signed_in(company: Any) -> Callable[..., Client]:
    """A client signed in as a new member of the group (or as ``user``)."""

    def sign_in(group: str = "Administrator", *, user: Any = None) -> Client:
        client = Client()
        client.user = user or builders.make_user(groups=[group])  # type: ignore[attr-defined]
        client.force_login(client.user)  # type: ignore[attr-defined]
        return client

    return sign_in


def said(response: Any) -> str:
    """What the messages of the page say, in one text."""
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def address(page: str, *, company: Any = None) -> str:
    """``/c/main/admin/…`` of the default company."""
    code = (company or builders.default_company()).code
    return f"/c/{code}/admin/{page}"

"""A caller with an API token, the way an integration calls."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from rest_framework.test import APIClient

from jobqueue import api_tokens
from jobqueue.scheduler import database_now
from tests import builders


@pytest.fixture(autouse=True)
def fresh_counts() -> Any:
    caches["shared"].clear()
    yield
    caches["shared"].clear()


@pytest.fixture
def company(db: None) -> Any:
    return builders.default_company()


@pytest.fixture
def calling(company: Any) -> Callable[..., APIClient]:
    """A client that shows a personal token of ``user`` (a new member of ``group``)."""

    def client(
        group: str = "Administrator",
        *,
        user: Any = None,
        scopes: Any = ("administer",),
        limited_to: Any = None,
    ) -> APIClient:
        user = user or builders.make_user(groups=[group])
        now = database_now()
        token, text = api_tokens.make_personal(
            builders.actor_of(user),
            name="test",
            scopes=scopes,
            now=now,
            company=limited_to,
            expires_at=now + timedelta(days=1),
        )
        made = APIClient(HTTP_AUTHORIZATION=f"Bearer {text}", raise_request_exception=False)
        made.token, made.text, made.user = token, text, user  # type: ignore[attr-defined]
        return made

    return client

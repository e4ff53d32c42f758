"""The same callers as for the other API, speaking this contract."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import calling, company, fresh_counts  # noqa: F401  (fixtures)
from tests.api_v2.client import Client


@pytest.fixture
def connect(calling: Callable[..., Any], company: Any) -> Callable[..., Client]:  # noqa: F811
    def connected(group: str = "Administrator", *, to: Any = None, **how: Any) -> Client:
        return Client(calling(group, **how), to or company)

    return connected


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()

"""A caller of the API, and a receiver of webhooks that the settings allow."""

import pytest

from notifications import subscriptions
from tests.api.conftest import calling, company, fresh_counts
from tests.notifications.receiver import receiver

__all__ = ["calling", "company", "fresh_counts"]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(subscriptions, "_known", None)


@pytest.fixture
def hook(settings):
    with receiver() as found:
        settings.JOBQUEUE = {**settings.JOBQUEUE, "OUTBOUND_ALLOWED_HOSTS": [f"127.0.0.1:{found.port}"]}
        yield found

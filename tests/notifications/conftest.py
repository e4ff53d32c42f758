"""Scenarios as packages register them, and a real mail server."""

import pytest

from notifications import scenarios
from notifications.scenarios import Scenario, Severity
from tests.notifications.mail_server import MailServer, free_port

PACKAGE_LIKE = (
    Scenario("sample_stop", "On Stop", Severity.STOP, "sample", "It stopped.", is_failure=True),
    Scenario("sample_error", "On Error", Severity.ERROR, "sample", "It failed.", is_failure=True),
    Scenario("sample_completion", "On Completion", Severity.COMPLETION, "sample", "It ended."),
    Scenario("sample_success", "On Success", Severity.SUCCESS, "sample", "It succeeded."),
    Scenario("sample_late", "Late", Severity.MISSED, "sample", "It is late.", needs_minutes=True),
)


@pytest.fixture(autouse=True)
def sample_scenarios(monkeypatch):
    monkeypatch.setattr(scenarios, "_registry", dict(scenarios._registry))
    for one in PACKAGE_LIKE:
        scenarios.register(one)


@pytest.fixture
def mail_server(settings):
    """A running mail server, which the product's mail settings point at."""
    server = MailServer(port=free_port())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    server.start()
    yield server
    server.stop()

"""People hear of a credential that ends: at 30 days, at 7 days, at the end; once each, and again for a new one."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.models import Message
from refresher.entra import credentials, warning
from refresher.entra.models import EntraApplication

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def ending(application):
    EntraApplication.objects.update(credential_expires_at=NOW + 40 * DAY)
    return application


def test_people_hear_three_times(ending):
    told = [day for day in range(60) if warning.warn(NOW + day * DAY)]
    assert told == [10, 33, 40]
    first, _, last = Message.objects.order_by("pk")
    assert {message.scenario for message in Message.objects.all()} == {"credential_expiring"}
    assert first.user.username == "chief"
    assert (first.facts["severity"], last.facts["severity"]) == ("warning", "error")
    assert "2026-04-11 09:00 UTC" in first.facts["happened"]
    assert "cannot sign in any more" in last.facts["meaning"]


def test_found_late_they_hear_of_the_latest_stage_only(ending):
    assert warning.warn(NOW + 41 * DAY)
    assert not warning.warn(NOW + 42 * DAY)
    assert Message.objects.get().facts["severity"] == "error"


def test_a_new_credential_begins_anew(ending, administrator):
    assert warning.warn(NOW + 35 * DAY)
    credentials.enter_secret(
        ending, "new", actor=administrator, now=NOW + 36 * DAY, expires_at=NOW + 100 * DAY
    )
    assert not warning.warn(NOW + 36 * DAY)
    assert warning.warn(NOW + 71 * DAY)


def test_nobody_hears_of_disabled_applications_or_of_unknown_ends(ending):
    EntraApplication.objects.update(is_enabled=False)
    assert not warning.warn(NOW + 50 * DAY)
    EntraApplication.objects.update(is_enabled=True, credential_expires_at=None)
    assert not warning.warn(NOW + 50 * DAY)
    assert not Message.objects.exists()

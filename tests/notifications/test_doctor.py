"""The doctor on the outbox and on recipients."""

from datetime import timedelta

import pytest

from jobqueue.doctor import State
from jobqueue.scheduler import fixed_clock
from notifications import doctor
from notifications.models import Message
from tests.builders import NOW, default_company

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _stopped_clock():
    with fixed_clock(NOW):
        yield


def message(*, minutes: int, state: str = "queued", recipient: str = "ops@example.com") -> Message:
    at = NOW - timedelta(minutes=minutes)
    return Message.objects.create(
        company=default_company(),
        recipient=recipient,
        template="alarm",
        scenario="sample_error",
        state=state,
        occurred_at=at,
        queued_at=at,
        failed_at=at if state == "failed" else None,
    )


@pytest.mark.parametrize(
    ("minutes", "state"), [(0, State.OK), (15, State.OK), (16, State.WARNING), (241, State.FAILURE)]
)
def test_the_age_of_the_oldest_waiting_message_counts(minutes, state):
    message(minutes=minutes)
    message(minutes=9_999, state="sent")
    [found] = doctor.outbox()

    assert found.state == state


def test_an_empty_outbox_is_in_order():
    assert [one.sentence for one in doctor.outbox()] == ["No message is waiting."]
    assert [one.state for one in doctor.recipients()] == [State.OK]


def test_held_messages_and_a_missing_address_are_told(settings):
    settings.NOTIFICATIONS = {"PUBLIC_URL": ""}
    message(minutes=1, state="held")
    sentences = [one.sentence for one in doctor.outbox() if one.state == State.WARNING]

    assert sentences[0].startswith("1 messages are held")
    assert "PUBLIC_URL" in list(doctor.outbox())[-1].fix


def test_recipients_nothing_reaches_are_named():
    for _ in range(3):
        message(minutes=5, state="failed", recipient="nobody@example.com")
    message(minutes=5, state="failed")
    message(minutes=60 * 24 * 8, state="failed", recipient="long-ago@example.com")
    [found] = doctor.recipients()

    assert found.state == State.WARNING
    assert "nobody@example.com (3), ops@example.com (1)." in found.sentence
    assert "long-ago" not in found.sentence

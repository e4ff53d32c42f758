"""The doctor on Entra credentials: in order, ending, ended, missing."""

from datetime import timedelta

import pytest

from jobqueue import doctor
from jobqueue.doctor import State
from jobqueue.scheduler import database_now
from refresher.entra.models import EntraApplication, EntraTenant

pytestmark = pytest.mark.django_db


def findings():
    return [result for result in doctor.examine() if result.name == "Entra ID"]


def test_without_applications_there_is_nothing_to_say():
    (result,) = findings()
    assert (result.state, result.sentence) == (State.OK, "No Entra applications are registered.")


@pytest.mark.parametrize(
    ("days", "state", "word"),
    [
        (40, State.OK, "good for 30 days"),
        (20, State.WARNING, "expires on"),
        (-1, State.FAILURE, "expired on"),
    ],
)
def test_a_credential_that_ends_is_told_in_time(application, days, state, word):
    moment = database_now() + timedelta(days=days)
    EntraApplication.objects.update(credential_expires_at=moment)
    (result,) = findings()
    assert (result.state, word in result.sentence) == (state, True)
    EntraTenant.objects.update(secret_encrypted=b"x", secret_expires_at=moment)
    assert [result.state for result in findings()] == [state] * (1 if days == 40 else 2)


def test_a_disabled_application_is_nobodys_worry_and_a_missing_credential_is(application):
    EntraApplication.objects.update(secret_encrypted=b"")
    assert [result.state for result in findings()] == [State.WARNING]
    EntraApplication.objects.update(is_enabled=False)
    assert [result.state for result in findings()] == [State.OK]

"""People hear in time of API tokens and of Jobwarden's own secret that end: at 30 days, at 7 days, at the end; once."""

from datetime import timedelta

import pytest

from jobqueue import api_tokens, doctor, secrets
from jobqueue.models import ApiToken
from jobqueue.scheduler import fixed_clock
from notifications.models import DefaultList, Message, NotificationLine, NotificationList
from refresher import credential_ends
from refresher.entra import warning
from refresher.entra.models import EntraTenant
from refresher.models import Runner
from refresher.setup import RUNNER_GROUP
from tests.builders import NOW, actor_of, default_company, make_superuser, make_user
from tests.refresher.situations import external_mode, make_runner

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def admin():
    return actor_of(make_superuser("anna"))


@pytest.fixture
def runner(admin):
    runner = make_runner("robot")
    runner.user.is_staff = False
    runner.user.save()
    external_mode(default_runner=runner)
    return runner


def on_call() -> None:
    """The company's default list, with one line."""
    people = NotificationList.objects.create(company=default_company(), name="On call")
    NotificationLine.objects.create(list=people, address="oncall@example.com", scenario="credential_expiring")
    DefaultList.objects.create(company=default_company(), list=people)


def token(runner: Runner, admin, *, days: int | None, scope: str = "refresh", made=NOW) -> ApiToken:
    ends = None if days is None else NOW + days * DAY
    made_token, _ = api_tokens.make_application(
        admin, runner.user, name="Worker", scopes=[scope], now=made, expires_at=ends
    )
    return made_token


def test_people_hear_three_times_of_a_token_that_ends(runner, admin):
    token(runner, admin, days=40)
    told = [day for day in range(60) if credential_ends.warn_of_tokens(NOW + day * DAY)]
    assert told == [10, 33, 40]
    first, _, last = Message.objects.order_by("pk")
    assert {message.scenario for message in Message.objects.all()} == {"credential_expiring"}
    assert first.user.username == "anna"
    assert first.facts["subject"] == "The API token “Worker” of robot ends soon"
    assert (first.facts["severity"], last.facts["severity"]) == ("warning", "error")
    assert "2026-04-11 09:00 UTC" in first.facts["happened"]


def test_the_company_s_default_list_hears_instead_if_it_has_lines(runner, admin):
    on_call()
    token(runner, admin, days=5)
    assert credential_ends.warn_of_tokens(NOW)
    assert [message.user for message in Message.objects.all()] == [None]


@pytest.mark.parametrize("days", [None, 31, 400])
def test_nobody_hears_of_a_token_that_is_good_for_long(runner, admin, days):
    token(runner, admin, days=days)
    assert not credential_ends.warn_of_tokens(NOW)


def test_nobody_hears_of_one_that_was_revoked_replaced_or_is_for_something_else(runner, admin):
    replaced = token(runner, admin, days=3)
    token(runner, admin, days=300, made=NOW + timedelta(seconds=1))
    revoked = token(runner, admin, days=3, scope="watch")
    api_tokens.revoke(revoked, actor=admin, now=NOW)
    token(runner, admin, days=3, scope="view")
    disabled = make_runner("off", is_enabled=False)
    disabled.user.is_staff = False
    disabled.user.save()
    token(disabled, admin, days=3)
    assert not credential_ends.warn_of_tokens(NOW)
    ApiToken.objects.exclude(pk=replaced.pk).delete()
    assert credential_ends.warn_of_tokens(NOW) == [replaced]


def test_another_end_of_the_same_token_begins_anew(runner, admin):
    one = token(runner, admin, days=5)
    assert credential_ends.warn_of_tokens(NOW)
    ApiToken.objects.filter(pk=one.pk).update(expires_at=NOW + 50 * DAY)
    assert not credential_ends.warn_of_tokens(NOW)
    assert credential_ends.warn_of_tokens(NOW + 20 * DAY)
    assert not credential_ends.warn_of_tokens(NOW + 21 * DAY)


def test_the_doctor_names_the_token(runner, admin):
    token(runner, admin, days=5)
    with fixed_clock(NOW):
        before = [(one.state.value, one.sentence) for one in doctor.examine() if one.name == "Runner users"]
    with fixed_clock(NOW + 6 * DAY):
        after = [(one.state.value, one.sentence) for one in doctor.examine() if one.name == "Runner users"]
    sentence = "The API token “Worker” of the runner user robot expires on 2026-03-07."
    assert ("warning", sentence) in before
    assert ("failure", sentence.replace("expires", "expired")) in after


def test_people_hear_of_the_secret_of_our_own_application():
    make_user("watcher", groups=[RUNNER_GROUP])
    tenant = EntraTenant.objects.create(
        name="Contoso",
        tenant_id="7d0f6a0e-3f5e-4a53-8f37-0f3c5f3a9a11",
        client_id="1b8f7a52-95c4-4b5a-9a57-3f64d7f7a5c2",
        secret_encrypted=secrets.seal("own"),
        secret_expires_at=NOW + 40 * DAY,
    )
    on_call()
    told = [day for day in range(60) if warning.warn_of_tenants(NOW + day * DAY)]
    assert told == [10, 33, 40]
    message = Message.objects.order_by("pk").first()
    assert message.facts["subject"] == "The client secret of the Entra tenant Contoso ends soon"
    tenant.secret_expires_at = NOW + 400 * DAY
    tenant.save()
    assert not warning.warn_of_tenants(NOW + 60 * DAY)

"""API tokens: made once, kept as a digest, limited by scopes, company and time, ended at once."""

from datetime import timedelta

import pytest

from jobqueue import api_tokens
from jobqueue.api_tokens import TokenRefused
from jobqueue.errors import Invalid, NotAllowed, Refused
from jobqueue.models import ApiToken
from tests import builders
from tests.builders import NOW, actor_of, make_company, make_superuser, make_user

pytestmark = pytest.mark.django_db
TOMORROW = NOW + timedelta(days=1)


def personal(user, **fields):
    values = {"name": "export", "scopes": ["view"], "now": NOW, "expires_at": TOMORROW, **fields}
    return api_tokens.make_personal(actor_of(user), **values)


@pytest.fixture
def user():
    return make_user(groups=["Viewer"])


def make_application_user(name="robot", **fields):
    robot = make_user(name, **fields)
    robot.is_staff = False
    robot.save()
    return robot


# --- making
def test_the_token_is_shown_once_and_only_its_digest_is_kept(user):
    token, text = personal(user)
    assert text.startswith(f"{token.prefix}_")
    assert len(text) == len("jw_") + 8 + 1 + 43
    stored = ApiToken.objects.values().get()
    assert text not in str(stored)
    assert text.removeprefix(token.prefix) not in str(stored)
    assert stored["digest"] == api_tokens.digest(text)


def test_no_two_tokens_are_alike(user):
    texts = {personal(user)[1] for _ in range(20)}
    assert len(texts) == 20


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": " "}, "invalid_name"),
        ({"name": "x" * 101}, "invalid_name"),
        ({"scopes": []}, "no_scope"),
        ({"scopes": ["view", "everything"]}, "unknown_scope"),
        ({"expires_at": NOW}, "expiry_in_the_past"),
        ({"expires_at": None}, "expiry_too_late"),
        ({"expires_at": NOW + timedelta(days=400)}, "expiry_too_late"),
    ],
)
def test_wrong_input_is_named_and_makes_nothing(user, fields, code):
    with pytest.raises(Invalid) as refusal:
        personal(user, **fields)
    assert code in [problem.code for problem in refusal.value.problems]
    assert not ApiToken.objects.exists()


def test_a_company_that_is_closed_to_the_user_is_refused(user):
    make_company("mine", members=[user])
    with pytest.raises(NotAllowed):
        personal(user, company=make_company("other"))


def test_application_tokens_are_made_by_administrators_of_every_company():
    robot = make_application_user()
    values = {"name": "export", "scopes": ["operate"], "now": NOW}
    administrator = make_user(groups=["Administrator"])
    token, _ = api_tokens.make_application(actor_of(administrator), robot, **values)
    assert (token.kind, token.expires_at, token.created_by) == ("application", None, administrator)
    limited = make_user(groups=["Administrator"])
    make_company("mine", members=[limited])
    for other in (limited, make_user(groups=["Scheduler"])):
        with pytest.raises(NotAllowed):
            api_tokens.make_application(actor_of(other), robot, **values)


def test_nobody_makes_a_token_for_another_person():
    administrator = actor_of(make_superuser())
    with pytest.raises(Refused) as refusal:
        api_tokens.make_application(administrator, make_user(), name="x", scopes=["view"], now=NOW)
    assert refusal.value.code == "not_an_application"


def test_only_a_superuser_makes_a_token_that_may_do_everything():
    robot = make_application_user(is_superuser=True)
    with pytest.raises(NotAllowed):
        api_tokens.make_application(
            actor_of(make_user(groups=["Administrator"])), robot, name="x", scopes=["view"], now=NOW
        )
    assert api_tokens.make_application(actor_of(make_superuser()), robot, name="x", scopes=["view"], now=NOW)


# --- using
def test_a_token_is_found_by_its_text(user):
    token, text = personal(user)
    assert api_tokens.find(text, now=NOW) == token


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1], lambda text: text + "x", lambda text: text.upper(), str.strip]
)
def test_only_the_whole_text_counts(user, change):
    token, text = personal(user)
    wrong = change(text)
    if wrong == text:
        wrong = f"{token.prefix}_"
    with pytest.raises(TokenRefused) as refusal:
        api_tokens.find(wrong, now=NOW)
    assert refusal.value.code == "token_unknown"


def test_an_expired_a_revoked_and_a_disabled_users_token_are_refused_each_by_its_code(user):
    _, expired = personal(user)
    with pytest.raises(TokenRefused) as refusal:
        api_tokens.find(expired, now=TOMORROW)
    assert refusal.value.code == "token_expired"
    token, revoked = personal(user)
    assert api_tokens.revoke(token, actor=actor_of(user), now=NOW)
    assert not api_tokens.revoke(token, actor=actor_of(user), now=NOW)
    with pytest.raises(TokenRefused) as refusal:
        api_tokens.find(revoked, now=NOW)
    assert refusal.value.code == "token_revoked"
    _, disabled = personal(user)
    user.is_active = False
    user.save()
    with pytest.raises(TokenRefused) as refusal:
        api_tokens.find(disabled, now=NOW)
    assert refusal.value.code == "user_disabled"
    assert all(text not in refusal.value.message for text in (expired, revoked, disabled))


def test_use_is_written_every_five_minutes_at_most(user, django_assert_num_queries):
    _, text = personal(user)
    api_tokens.find(text, now=NOW)
    assert ApiToken.objects.get().last_used_at == NOW
    with django_assert_num_queries(1):
        api_tokens.find(text, now=NOW + timedelta(minutes=4))
    later = NOW + timedelta(minutes=6)
    api_tokens.find(text, now=later)
    assert ApiToken.objects.get().last_used_at == later


def test_revoking_is_for_the_owner_and_administrators_of_every_company(user):
    token, _ = personal(user)
    stranger, limited = make_user(groups=["Scheduler"]), make_user(groups=["Administrator"])
    make_company("mine", members=[limited])
    for other in (stranger, limited):
        with pytest.raises(NotAllowed):
            api_tokens.revoke(token, actor=actor_of(other), now=NOW)
    administrator = make_user(groups=["Administrator"])
    assert api_tokens.revoke(token, actor=actor_of(administrator), now=NOW)
    token.refresh_from_db()
    assert (token.revoked_at, token.revoked_by) == (NOW, administrator)


# --- scopes
@pytest.mark.parametrize(
    ("granted", "covered"),
    [
        (["view"], {"view"}),
        (["schedule"], {"view", "operate", "schedule"}),
        (["administer"], {"view", "operate", "schedule", "administer"}),
        (["other"], {"other"}),
        ([], set()),
    ],
)
def test_levels_include_the_lower_ones_and_other_scopes_stand_alone(granted, covered):
    asked = [*api_tokens.LEVELS, "other"]
    assert {scope for scope in asked if api_tokens.covers(granted, scope)} == covered


def test_an_application_user_can_sign_in_nowhere():
    assert api_tokens.is_application(make_application_user())
    assert not api_tokens.is_application(make_user())
    person = builders.make_user("person")
    person.is_staff = False
    person.set_password("x")
    assert not api_tokens.is_application(person)

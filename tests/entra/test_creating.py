"""*Create External JQ Refresher User* and rotation against Graph: failures first, then what is there afterwards."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model

from jobqueue.errors import Invalid, NotAllowed, Refused
from refresher.asking import setup_of
from refresher.entra import bearer, creating, credentials
from refresher.entra.applications import try_sign_in
from refresher.entra.errors import GraphFailed, SignInFailed, TokenForbidden
from refresher.entra.graph import Graph
from refresher.entra.models import CredentialKind, EntraApplication
from refresher.entra.sign_in import Credentials
from refresher.models import Runner
from refresher.setup import RUNNER_GROUP
from tests import builders
from tests.entra.directory import GRAPH_PERMISSIONS, REFRESH_ROLE

pytestmark = pytest.mark.django_db
NAME = "O'Brien's runner"
RETURN = "https://jobs.example.com/entra/return/"


@pytest.fixture
def graph_token(graph, login, directory, tenant, resource):
    """Makes the access token of the directory's administrator for Graph."""

    def make(*, may_manage=True, permissions=GRAPH_PERMISSIONS):
        claims = directory.claims(resource, base=login.base, audience=graph.base, roles=[])
        return directory.sign({**claims, "scp": " ".join(permissions), "may_manage": may_manage})

    return make


@pytest.fixture
def waits():
    return []


@pytest.fixture
def create(graph_token, tenant, administrator, waits):
    def run(name=NAME, *, kind=CredentialKind.SECRET, actor=None, token=""):
        with Graph(token or graph_token(), sleep=waits.append) as graph:
            return creating.create(
                name,
                tenant=tenant,
                graph=graph,
                kind=kind,
                redirect_uri=RETURN,
                company=builders.default_company(),
                actor=actor or administrator,
                now=datetime.now(UTC),
            )

    return run


def nothing_made(directory) -> bool:
    return (
        len(directory.applications) == 1
        and not EntraApplication.objects.exists()
        and not Runner.objects.exists()
    )


# --- failure paths
def test_who_is_no_administrator_of_the_directory_makes_nothing(create, graph_token, directory):
    with pytest.raises(GraphFailed) as caught:
        create(token=graph_token(may_manage=False))
    assert (caught.value.code, caught.value.status) == ("graph_not_allowed", 403)
    assert "Application Administrator" in caught.value.message
    assert nothing_made(directory)


def test_a_token_graph_does_not_take_makes_nothing(create, directory):
    with pytest.raises(GraphFailed) as caught:
        create(token="nonsense")
    assert caught.value.status == 401
    assert nothing_made(directory)


@pytest.mark.parametrize("name", ["", "  ", "x" * 51, "two\nlines"])
def test_a_name_that_is_none_makes_nothing(create, directory, name):
    with pytest.raises(Invalid):
        create(name)
    assert nothing_made(directory)


def test_a_persons_name_makes_nothing(create, directory):
    builders.make_user("amy")
    with pytest.raises(Invalid) as caught:
        create("Amy")
    assert caught.value.problems[0].code == "not_an_application"
    assert nothing_made(directory)


def test_only_administrators_of_every_company_create(create, directory):
    limited = builders.make_user(groups=["Administrator"])
    builders.make_company("mine", members=[limited])
    for user in (limited, builders.make_user(groups=["Scheduler"])):
        with pytest.raises(NotAllowed):
            create(actor=builders.actor_of(user))
    assert nothing_made(directory)


def test_without_the_application_role_nothing_is_made(create, directory, resource):
    resource.app_roles.clear()
    with pytest.raises(Refused) as caught:
        create()
    assert caught.value.code == "role_missing"
    assert nothing_made(directory)


def test_without_our_own_service_principal_nothing_is_made(create, directory, resource):
    resource.principal_id = ""
    with pytest.raises(Refused) as caught:
        create()
    assert caught.value.code == "resource_missing"
    assert nothing_made(directory)


def test_a_failed_secret_leaves_what_was_made_and_the_second_try_goes_on(create, graph, directory):
    graph.fail("POST /applications/", 500, message="Something broke")
    with pytest.raises(GraphFailed) as caught:
        create()
    assert "Something broke" in caught.value.message
    (application,) = EntraApplication.objects.all()
    assert not application.has_credential
    created = create()
    assert created.application == application
    assert not created.new_in_entra
    assert created.application.has_credential
    assert len(directory.applications) == 2, "the registration was found, not made twice"
    assert graph.calls.count("POST /applications") == 1
    assert Runner.objects.count() == 1


@pytest.mark.parametrize("step", ["POST /servicePrincipals", "GET /servicePrincipals"])
def test_every_later_step_may_fail_and_be_repeated(create, graph, directory, step):
    graph.fail(step, 500)
    with pytest.raises(GraphFailed):
        create()
    assert create().application.has_credential
    assert graph.calls.count("POST /applications") == 1


def test_a_lost_answer_to_the_service_principal_is_no_failure(create, graph, directory):
    known = directory.add(NAME)
    graph.fail("GET /servicePrincipals", 500)
    with pytest.raises(GraphFailed):
        create()
    assert create().application.service_principal_id == UUID(known.principal_id)


def test_missing_rights_for_consent_are_a_warning_and_no_failure(create, graph_token, client, directory):
    created = create(token=graph_token(permissions=["Application.ReadWrite.All"]))
    assert created.consent_missing
    assert "consent is still missing" in created.sentence
    assert created.application.consent_granted_at is None
    assert created.application.has_credential
    with pytest.raises(TokenForbidden) as caught:
        try_sign_in(created.application, actor=builders.actor_of(builders.make_superuser()), now=builders.NOW)
    assert caught.value.code == "entra_role_missing"


def test_a_busy_graph_is_asked_again_after_the_time_it_names(create, graph, waits):
    graph.fail("POST /applications", 429, Retry_After="3")
    graph.fail("GET /applications", 503)
    assert create().application.has_credential
    assert waits == [1.0, 3.0]


def test_a_graph_that_stays_busy_is_given_up(create, graph, waits, directory):
    graph.fail("POST /applications", 429, Retry_After="120")
    with pytest.raises(GraphFailed) as caught:
        create()
    assert caught.value.code == "graph_busy"
    assert waits == []
    assert nothing_made(directory)


def test_what_was_just_made_is_waited_for(create, graph, waits):
    graph.unknown_for = 2
    assert create().application.has_credential
    assert waits == [1.0, 2.0]


def test_waiting_has_an_end(create, graph, waits):
    graph.unknown_for = 99
    with pytest.raises(GraphFailed):
        create()
    assert sum(waits) <= 20


def test_an_application_of_another_runner_is_not_taken_over(create, application, client, directory):
    with pytest.raises(Refused) as caught:
        create("Night runner")
    assert caught.value.code == "application_taken"
    assert "night-runner" in caught.value.message
    assert len(client.secrets) == 1
    with pytest.raises(Refused):
        create("Jobwarden")


def test_no_secret_is_made_that_could_not_be_kept(create, graph, settings, directory):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "CREDENTIAL_KEYS": []}
    with pytest.raises(Exception, match="No key for credentials"):
        create()
    assert not any("addPassword" in call for call in graph.calls)


# --- what is there afterwards
def test_everything_is_there_and_signs_in(create, directory, resource, graph):
    created = create()
    made = next(one for one in directory.applications.values() if one.display_name == NAME)
    assert made.redirect_uris == [RETURN]
    assert made.required == [
        {
            "resourceAppId": resource.client_id,
            "resourceAccess": [{"id": resource.app_roles[REFRESH_ROLE], "type": "Role"}],
        }
    ]
    application = EntraApplication.objects.get()
    assert (
        str(application.client_id),
        str(application.object_id),
        str(application.service_principal_id),
    ) == (
        made.client_id,
        made.object_id,
        made.principal_id,
    )
    assert application.consent_granted_at is not None
    expires = application.credential_expires_at
    assert timedelta(days=364) < expires - datetime.now(UTC) < timedelta(days=366)
    assert made.secrets[0].text not in str(EntraApplication.objects.values().get())
    user = get_user_model().objects.get(username=NAME)
    assert (user.is_staff, user.has_usable_password(), user.is_superuser) == (False, False, False)
    assert [group.name for group in user.groups.all()] == [RUNNER_GROUP]
    assert application.runner.user == user
    assert created.sentence == (
        f"The runner user “{NAME}” was created, with consent. It is the default runner user of this company now."
    )
    assert setup_of(builders.default_company()).default_runner == application.runner
    token = Credentials(credentials.login_of(application)).token()
    assert bearer.accept(token.text) == application


def test_a_second_runner_does_not_become_the_default(create):
    first = create("one").application.runner
    assert not create("two").became_default
    assert setup_of(builders.default_company()).default_runner == first


def test_a_certificate_in_place_of_a_secret(create, directory, graph):
    application = create(kind=CredentialKind.CERTIFICATE).application
    made = directory.applications[str(application.client_id)]
    assert made.secrets == []
    assert list(made.certificates) == [str(application.credential_key_id)]
    assert "PRIVATE KEY" not in str(EntraApplication.objects.values().get())
    assert bearer.accept(Credentials(credentials.login_of(application)).token().text) == application


def test_found_again_an_application_keeps_its_other_secrets(create, directory):
    known = directory.add(NAME)
    other = known.add_secret(name="by hand")
    created = create()
    assert not created.new_in_entra
    assert other in known.secrets
    assert len(known.secrets) == 2
    assert "was found in Entra ID" in created.sentence


# --- rotation
@pytest.mark.parametrize("kind", list(CredentialKind))
def test_rotation_ends_the_old_credential(create, graph_token, administrator, directory, kind):
    application = create(kind=kind).application
    credentials.hand_over(application, actor=administrator, now=builders.NOW)
    old = credentials.login_of(application)
    with Graph(graph_token()) as graph:
        sentence = creating.rotate(application, graph=graph, actor=administrator, now=datetime.now(UTC))
    assert "new configuration" in sentence
    made = directory.applications[str(application.client_id)]
    assert len(made.secrets) + len(made.certificates) == 1
    application.refresh_from_db()
    assert application.handed_over_at is None
    assert Credentials(credentials.login_of(application)).token().text
    with pytest.raises(SignInFailed):
        Credentials(old).token()


def test_rotation_needs_the_object_id(application, graph_token, administrator):
    with Graph(graph_token()) as graph, pytest.raises(Refused) as caught:
        creating.rotate(application, graph=graph, actor=administrator, now=datetime.now(UTC))
    assert caught.value.code == "object_id_missing"


def test_a_secret_that_is_gone_already_does_not_stop_the_rotation(
    create, graph_token, administrator, directory
):
    application = create().application
    directory.applications[str(application.client_id)].secrets.clear()
    with Graph(graph_token()) as graph:
        creating.rotate(application, graph=graph, actor=administrator, now=datetime.now(UTC))
    assert Credentials(credentials.login_of(application)).token().text


def test_an_old_secret_that_cannot_be_ended_is_said_and_the_new_one_stays(
    create, graph_token, administrator, directory, monkeypatch
):
    application = create().application
    old = application.credential_key_id

    def refuse(*_args, **_named):
        raise GraphFailed("Microsoft Graph is busy.", code="graph_busy", status=503)

    monkeypatch.setattr(Graph, "remove_password", refuse)
    with Graph(graph_token()) as graph:
        sentence = creating.rotate(application, graph=graph, actor=administrator, now=datetime.now(UTC))
    assert "could not be ended: Microsoft Graph is busy." in sentence
    assert f"Delete the client secret {old} in Entra ID" in sentence
    application.refresh_from_db()
    assert application.credential_key_id != old
    assert Credentials(credentials.login_of(application)).token().text

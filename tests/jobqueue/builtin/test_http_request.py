"""The job object HTTP request against a real web server."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest

from jobqueue import secrets
from jobqueue.builtin.http_request import CredentialNotForHost, UnexpectedStatus
from jobqueue.errors import InvalidParameters, NotFound
from jobqueue.models import Credential
from jobqueue.objects import registry, rehearse
from jobqueue.outbound import OutboundRefused
from jobqueue.states import Level, ObjectType
from tests.builders import make_company
from tests.jobqueue.web import web_server

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def web(settings):
    with web_server() as server:
        settings.JOBQUEUE = {**settings.JOBQUEUE, "OUTBOUND_ALLOWED_HOSTS": ["127.0.0.1"]}
        yield server


@pytest.fixture
def company():
    return make_company()


def call(company, **parameters):
    return rehearse(registry.get(ObjectType.CODEUNIT, 1), parameters=parameters, company_id=company.pk)


def make_credential(web, *, kind=Credential.Kind.BEARER, user_name="", hosts=None):
    found = Credential.objects.create(
        name="bank",
        kind=kind,
        user_name=user_name,
        allowed_hosts=hosts or f"api.example, 127.0.0.1:{web.port}",
    )
    secrets.set_secret(found, "s3cret", now=NOW)
    return found


def test_the_answer_is_told_in_the_log(web, company):
    run = call(company, address=web.url("/hello"))
    assert run.sink.texts == [f"GET {web.url('/hello')}", "Answer: 200 OK, 11 bytes.", "Hello Ærø"]


def test_method_headers_and_body_are_sent(web, company):
    call(
        company,
        address=web.url(),
        method="POST",
        headers=["Content-Type: text/csv", "X-Note:  a: b "],
        body="Ærø;1",
    )
    [seen] = web.requests
    assert (seen.method, seen.body) == ("POST", "Ærø;1".encode())
    assert (seen.headers["Content-Type"], seen.headers["X-Note"]) == ("text/csv", "a: b")


@pytest.mark.parametrize(
    ("expected", "status"), [("2xx", 204), ("200, 404", 404), ("5XX", 503), ("301,2xx", 200)]
)
def test_an_expected_status_is_a_success(web, company, expected, status):
    call(company, address=web.url(f"/status/{status}"), expected_status=expected)


def test_an_unexpected_status_fails_with_the_answer_in_the_log(web, company):
    with pytest.raises(UnexpectedStatus, match=r"answered 500 Internal Server Error; expected was 2xx\."):
        call(company, address=web.url("/status/500"))


def test_what_is_no_text_is_counted_not_shown(web, company):
    assert call(company, address=web.url("/image")).sink.texts[-1] == "Answer: 200 OK, 4 bytes."


def test_a_long_answer_is_shown_in_part(web, company):
    assert call(company, address=web.url("/big/5000")).sink.texts[-1] == "x" * 1000 + "…"


def test_an_address_inside_is_refused_unless_allowed(web, company, settings):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "OUTBOUND_ALLOWED_HOSTS": []}
    with pytest.raises(OutboundRefused):
        call(company, address=web.url())
    assert web.requests == []


@pytest.mark.parametrize(
    ("kind", "user_name", "header", "value"),
    [
        (Credential.Kind.BEARER, "", "Authorization", "Bearer s3cret"),
        (Credential.Kind.BASIC, "anna", "Authorization", f"Basic {b64encode(b'anna:s3cret').decode()}"),
        (Credential.Kind.HEADER, "X-Key", "X-Key", "s3cret"),
    ],
)
def test_a_credential_is_sent_along_and_never_logged(web, company, kind, user_name, header, value):
    make_credential(web, kind=kind, user_name=user_name)
    run = call(company, address=web.url("/echo"), credential="bank")
    assert web.requests[0].headers[header] == value
    told = "\n".join(run.sink.texts)
    assert "s3cret" not in told
    assert value.split()[-1] not in told
    assert (
        Level.WARNING,
        "The secret travels unencrypted: the address begins with http://.",
    ) in run.sink.lines


def test_a_secret_goes_only_to_the_hosts_of_its_credential(web, company):
    make_credential(web, hosts="api.example")
    with pytest.raises(CredentialNotForHost, match=r"“bank” may not be sent to “127.0.0.1”. Add the host"):
        call(company, address=web.url(), credential="bank")
    assert web.requests == []


def test_a_credential_of_another_company_is_not_found(web, company):
    made = make_credential(web)
    made.company = make_company()
    made.save()
    with pytest.raises(NotFound, match=r"no credential “bank” for this company"):
        call(company, address=web.url(), credential="bank")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "parameter “Address” is required"),
        (
            {"headers": ["nonsense"]},
            "the header “nonsense” cannot be read. Write it like Accept: application/json.",
        ),
        ({"headers": ["A: b\r\nC: d"]}, "cannot be read"),
        ({"headers": ["Host: evil"]}, "the header “Host” is set by the request itself. Remove it."),
        ({"expected_status": "fine"}, "the expected status “fine” is none. Write 200, 204 or 2xx."),
        ({"expected_status": ","}, "Write 200, 204 or 2xx."),
        ({"method": "BREW"}, "which is not offered"),
        ({"timeout_seconds": 0}, "Enter 1 or more"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_sent(company, parameters, words):
    given = {"address": "http://example.com/", **parameters} if parameters else {}
    with pytest.raises(InvalidParameters) as caught:
        call(company, **given)
    assert words in caught.value.message

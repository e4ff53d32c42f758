"""Calls that are tried again, and every bad answer in words."""

import io
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from refresher.worker import calling
from refresher.worker.calling import CallFailed, Patience, Stopped, retry_after, wait_seconds
from refresher.worker.configuration import Configuration, Product, Retry, Webhook
from refresher.worker.log import Log
from refresher.worker.product import Product as Called
from tests.refresher.worker.conftest import silent_server

RETRY = Retry(attempts=4, first_wait_seconds=5, longest_wait_seconds=120)
PROBLEM = {"code": "pass_failed", "detail": "The default job time zone is missing."}


@pytest.fixture
def waits():
    return []


@pytest.fixture
def product(waits):
    def made(url, *, retry=RETRY, stops=False, **options):
        def wait(seconds):
            waits.append(round(seconds, 1))
            return stops

        patience = Patience(retry, wait, Log(stream=io.StringIO()), chance=lambda: 1.0)
        return Called(Configuration(product=Product(url=url, **options)), patience)

    return made


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again_until_it_succeeds(product, scripted, waits, status):
    scripted.say(status)
    scripted.say(status)
    scripted.say(200, {"status": "refreshed"})
    assert product(scripted.base).refresh("main", "jw_x", cycle="c") == {"status": "refreshed"}
    assert waits == [5, 10]
    path, headers, _ = scripted.requests[0]
    assert (path, headers["Authorization"]) == ("/api/v1/companies/main/refresh/", "Bearer jw_x")


def test_attempts_end(product, scripted, waits):
    scripted.say(500)
    with pytest.raises(CallFailed, match="failed with status 500") as caught:
        product(scripted.base).refresh("main", "jw_x", cycle="c")
    assert (len(scripted.requests), waits, caught.value.unreachable) == (4, [5, 10, 20], False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refusal_is_not_tried_again(product, scripted, waits, status):
    scripted.say(status, PROBLEM)
    with pytest.raises(CallFailed, match="The default job time zone is missing") as caught:
        product(scripted.base).refresh("main", "jw_x", cycle="c")
    assert (waits, caught.value.code, caught.value.status) == ([], "pass_failed", status)


def test_a_pass_that_runs_already_is_waited_for(product, scripted, waits):
    scripted.say(409, {"code": "pass_running", "detail": "A pass runs."})
    scripted.say(200, {})
    product(scripted.base).refresh("main", "jw_x", cycle="c")
    assert waits == [5]


def test_retry_after_is_honoured(product, scripted, waits):
    scripted.say(429, Retry_After="33")
    scripted.say(200, {})
    product(scripted.base).refresh("main", "jw_x", cycle="c")
    assert waits == [33]


def test_a_wait_longer_than_the_longest_ends_the_attempts(product, scripted, waits):
    scripted.say(429, Retry_After="3600")
    with pytest.raises(CallFailed):
        product(scripted.base).refresh("main", "jw_x", cycle="c")
    assert waits == []


@pytest.mark.parametrize("body", ["<html>Welcome</html>", "[1, 2]", "", '"ok"'])
def test_garbage_counts_as_nobody_there(product, scripted, body):
    scripted.say(200, body)
    with pytest.raises(CallFailed, match="did not answer as Jobwarden does") as caught:
        product(scripted.base).refresh("main", "jw_x", cycle="c")
    assert caught.value.unreachable
    with pytest.raises(CallFailed, match="did not answer as Jobwarden does"):
        product(scripted.base).readiness()


def test_a_redirect_is_not_followed_with_the_token(product, scripted):
    scripted.say(301, Location="https://elsewhere.example/")
    with pytest.raises(CallFailed, match=r"leads to https://elsewhere\.example/"):
        product(scripted.base).refresh("main", "jw_x", cycle="c")
    assert len(scripted.requests) == 1


def test_silence_is_a_sentence(product, waits):
    with silent_server() as base, pytest.raises(CallFailed, match="did not answer in time") as caught:
        product(base, retry=Retry(attempts=2), timeout_seconds=0.2).refresh("main", "jw_x", cycle="c")
    assert (caught.value.unreachable, len(waits)) == (True, 1)


def test_nobody_there_is_a_sentence(product):
    with pytest.raises(CallFailed, match=r"cannot be reached .* Check product.url"):
        product("http://127.0.0.1:9", retry=Retry(attempts=1)).readiness()


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/hook/hunter2", "http://[::hunter2", "http://a\x00b/hunter2"]
)
def test_the_path_of_a_webhook_is_in_no_sentence(address):
    with calling.client(ca_file="", proxy="", timeout_seconds=1) as http, pytest.raises(CallFailed) as caught:
        calling.send(http, "POST", address, who="The webhook", option="webhook.url")
    assert "hunter2" not in caught.value.sentence
    assert "hunter2" not in repr(Webhook(url=address))


def test_an_untrusted_certificate_names_the_option(product, login):
    with pytest.raises(CallFailed, match=r"is not trusted .* product\.ca_file"):
        product(login.base).readiness()


def test_a_trusted_one_by_ca_file_is_good(product, login):
    with pytest.raises(CallFailed) as caught:  # it is no Jobwarden, but it answered
        product(login.base, ca_file=login.ca_file).readiness()
    assert caught.value.status == 400


def test_waiting_ends_when_the_worker_stops(product, scripted, waits):
    scripted.say(500)
    with pytest.raises(Stopped):
        product(scripted.base, stops=True).refresh("main", "jw_x", cycle="c")
    assert len(waits) == 1


def test_waits_double_to_the_longest_and_spread_downwards():
    waits = [wait_seconds(one, retry=RETRY, asked=None, chance=1) for one in range(1, 8)]
    assert waits == [5, 10, 20, 40, 80, 120, 120]
    assert wait_seconds(3, retry=RETRY, asked=None, chance=0) == 10
    assert wait_seconds(1, retry=RETRY, asked=60, chance=0) == 60


def test_retry_after_as_seconds_and_as_a_date():
    now = 1_800_000_000.0
    later = format_datetime(datetime.fromtimestamp(now + 90, UTC), usegmt=True)
    assert [retry_after(text, now=now) for text in ("120", later, "soon", "", "-3", "²")] == [
        120,
        90,
        None,
        None,
        None,
        None,
    ]


def test_a_log_nobody_reads_any_more_does_not_end_the_work():
    class Closed(io.StringIO):
        tried = 0

        def write(self, text):
            self.tried += 1
            raise BrokenPipeError

    stream = Closed()
    Log(stream=stream).info("x")
    assert stream.tried == 1

"""Server-sent events: refused under WSGI, naming the address to poll; under a real ASGI server what changes is told."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings

from jobqueue import api_tokens
from jobqueue.models import Entry, LogEntry, LogLine
from jobqueue.scheduler import database_now
from jobqueue.states import Level, LogStatus, Status
from tests import builders
from tests.api.refusing import refused

MAIN = "/api/v1/companies/main/"


# --- under WSGI
@pytest.mark.django_db
def test_under_wsgi_the_address_to_poll_is_named(calling, company):
    client = calling("Viewer", scopes=["view"])
    row = builders.make_log_entry(builders.make_entry(), status=LogStatus.IN_PROCESS)
    entry = Entry.objects.get()
    for address, instead in (
        (f"log-entries/{row.pk}/events/", f"log-entries/{row.pk}/lines/"),
        (f"entries/{entry.pk}/events/", f"entries/{entry.pk}/"),
        ("status/events/", "status/"),
    ):
        found = refused(client.get(f"{MAIN}{address}"), 406, "events_need_asgi")
        assert f"Poll {MAIN}{instead} with If-None-Match" in found["detail"]
        answer = client.get(f"{MAIN}{address}", headers={"Accept": "text/event-stream"})
        refused(answer, 406, "events_need_asgi")
        refused(calling(scopes=["refresh"]).get(f"{MAIN}{address}"), 403, "scope_missing")
    refused(client.get(f"{MAIN}log-entries/999/events/"), 404, "not_found")
    refused(client.get("/api/v1/companies/nowhere/status/events/"), 404, "not_found")


# --- under a real server
class Server:
    """A real ASGI server on the test's database."""

    def __init__(self, environment: dict[str, str], *, log: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(self.port)),
                    *("--app-dir", str(settings.BASE_DIR), "--timeout-graceful-shutdown", "2"),
                ],
                env=environment,
                stdout=output,
                stderr=output,
            )
        self.base = f"http://127.0.0.1:{self.port}"
        until = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, "no answer within a minute"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base}/livez").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def server(child_environment: dict[str, str], tmp_path: Any) -> Iterator[Server]:
    found = Server({**child_environment, "LIVE_STREAMS": "2"}, log=tmp_path / "server.log")
    yield found
    found.stop()


def token_of(user: Any, *scopes: str) -> Any:
    now = database_now()
    return api_tokens.make_personal(
        builders.actor_of(user), name="t", scopes=scopes, now=now, expires_at=now + timedelta(days=1)
    )


class Events:
    """The events of a stream, one after the other."""

    def __init__(self, response: httpx.Response) -> None:
        self.lines = response.iter_lines()

    def next(self) -> tuple[str, Any, str]:
        """Name, data and id of the next one; raises ``StopIteration`` at the end of the stream."""
        found: dict[str, str] = {}
        for line in self.lines:
            if not line and "event" in found:
                return found["event"], json.loads(found["data"]), found.get("id", "")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                found[name] = value
        raise StopIteration

    def until(self, name: str) -> Any:
        """The data of the next event of this name."""
        while True:
            found = self.next()
            if found[0] == name:
                return found[1]


@contextmanager
def stream(server: Server, address: str, token: str, **headers: str) -> Iterator[httpx.Response]:
    with httpx.stream(
        "GET",
        f"{server.base}{MAIN}{address}",
        headers={"Authorization": f"Bearer {token}", **headers},
        timeout=30,
    ) as response:
        yield response


def say(row: LogEntry, text: str) -> LogLine:
    return LogLine.objects.create(log_entry=row, at=database_now(), level=Level.INFORMATION, text=text)


@pytest.mark.slow
def test_a_run_is_told_line_by_line_to_its_end(server):
    builders.default_company()
    _, token = token_of(builders.make_user(groups=["Viewer"]), "view")
    row = builders.make_log_entry(builders.make_entry(), status=LogStatus.IN_PROCESS)
    first = say(row, "One")
    address = f"log-entries/{row.pk}/events/"
    with stream(server, address, token) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "private, no-cache"
        events = Events(response)
        name, line, key = events.next()
        assert (name, line["text"], key) == ("line", "One", str(first.pk))
        assert events.next()[:2] == (
            "status",
            {"status": "In Process", "progress_done": None, "progress_total": None},
        )
        second = say(row, "Two")
        assert events.next()[1]["text"] == "Two"
        LogEntry.objects.filter(pk=row.pk).update(progress_done=1, progress_total=4)
        assert events.until("status")["progress_done"] == 1
        last = say(row, "Three")
        LogEntry.objects.filter(pk=row.pk).update(status=LogStatus.SUCCESS, is_final=True)
        assert events.until("line")["text"] == "Three"
        assert events.until("status")["status"] == "Success"
        assert events.next() == ("end", {"reason": "Success"}, "end")
        with pytest.raises(StopIteration):
            events.next()
    with stream(server, address, token, **{"Last-Event-ID": str(second.pk)}) as response:
        events = Events(response)
        assert events.next()[2] == str(last.pk)
    with stream(server, address, token, **{"Last-Event-ID": "end"}) as response:
        assert response.status_code == 204
    bearer = {"Authorization": f"Bearer {token}"}
    for _ in range(3):  # more than are kept open at a time
        assert httpx.head(f"{server.base}{MAIN}{address}", headers=bearer).status_code == 200


@pytest.mark.slow
def test_an_entry_and_the_queue_are_told_when_they_change(server):
    company = builders.default_company()
    _, token = token_of(builders.make_user(groups=["Viewer"]), "view")
    entry = builders.make_entry()
    with (
        stream(server, f"entries/{entry.pk}/events/", token) as one,
        stream(server, "status/events/", token) as all_of_them,
    ):
        events, counts = Events(one), Events(all_of_them)
        assert events.until("entry")["entry"]["status"] == "On Hold"
        assert counts.until("status")["entries"]["On Hold"] == 1
        Entry.objects.filter(pk=entry.pk).update(status=Status.READY, revision=entry.revision + 1)
        assert events.until("entry")["entry"]["status"] == "Ready"
        found = counts.until("status")
        assert (found["company"], found["entries"]["Ready"]) == (company.code, 1)
        Entry.objects.all().delete()
        assert events.until("entry") == {"entry": None, "log_entry": None}
        assert events.until("end") == {"reason": "gone"}


@pytest.mark.slow
def test_what_a_token_may_not_see_is_refused_before_and_while_it_listens(server):
    company = builders.default_company()
    other = builders.make_company("other")
    user = builders.make_user(groups=["Viewer"])
    token, text = token_of(user, "view")
    _, refresh = token_of(user, "refresh")
    foreign = builders.make_log_entry(builders.make_entry(company=other), status=LogStatus.IN_PROCESS)
    for address, shown, status, code in (
        ("status/events/", "jw_00000000_no", 401, "token_unknown"),
        ("status/events/", refresh, 403, "scope_missing"),
        (f"log-entries/{foreign.pk}/events/", text, 404, "not_found"),
    ):
        with stream(server, address, shown) as response:
            assert (response.status_code, json.loads(response.read())["code"]) == (status, code)
    row = builders.make_log_entry(builders.make_entry(company=company), status=LogStatus.IN_PROCESS)
    with stream(server, f"log-entries/{row.pk}/events/", text) as response:
        events = Events(response)
        events.until("status")
        api_tokens.revoke(token, actor=builders.actor_of(user), now=database_now())
        assert events.until("end") == {"reason": "not_allowed"}
        with pytest.raises(StopIteration):
            events.next()


@pytest.mark.slow
def test_a_stream_ends_when_its_caller_leaves(server):
    """Only two are kept open here: a third is refused until one of them is gone."""
    builders.default_company()
    _, token = token_of(builders.make_user(groups=["Viewer"]), "view")

    def third() -> tuple[int, str]:
        with stream(server, "status/events/", token) as response:
            return response.status_code, "" if response.status_code == 200 else response.read().decode()

    with stream(server, "status/events/", token) as one:
        first = Events(one)  # httpx ends a stream nobody reads any more
        first.until("status")
        with stream(server, "status/events/", token) as two:
            second = Events(two)
            second.until("status")
            status, body = third()
            assert (status, json.loads(body)["code"]) == (429, "too_many_streams")
        until = time.monotonic() + 20
        while third()[0] != 200:
            assert time.monotonic() < until, "the stream goes on without its caller"
            time.sleep(0.2)


@pytest.mark.slow
def test_a_faulty_configuration_does_not_serve(child_environment):
    environment = {**child_environment, "PORT": "many"}
    ended = subprocess.run(
        [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", "1"],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "PORT is 'many'" in ended.stderr

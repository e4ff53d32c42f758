"""Enqueue: create and run in one call, wait for the end, and repeat the call without doing it twice."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from jobqueue import idempotency
from jobqueue.api import waiting
from jobqueue.models import Entry, IdempotencyKey, LogEntry
from jobqueue.scheduler import database_now
from tests import builders
from tests.api.refusing import refused
from tests.jobobjects import jobs
from tests.jobqueue.driving import run

ENQUEUE = "/api/v1/companies/main/enqueue/"
BODY = {"object_id": jobs.SUCCESS, "description": "Now"}


def run_everything():
    entry = Entry.objects.get()
    run(now=entry.earliest_start_at)


@pytest.mark.django_db
class TestEnqueue:
    def test_without_waiting_the_answer_is_a_link(self, calling):
        client = calling("Scheduler", scopes=["schedule"])
        answer = client.post(ENQUEUE, BODY)
        assert answer.status_code == 202
        body = answer.json()
        assert (body["finished"], body["status"], body["entry"]["status"]) == (False, None, "Ready")
        assert answer["Location"] == body["status_url"]
        standing = client.get(answer["Location"])
        assert standing.json()["finished"] is False
        etag = {"If-None-Match": standing["ETag"]}
        assert client.get(answer["Location"], headers=etag).status_code == 304
        run_everything()
        done = client.get(answer["Location"], headers=etag).json()
        assert (done["finished"], done["status"], done["entry"]) == (True, "Success", None)
        assert done["log_entry"]["status"] == "Success"

    def test_a_failed_run_is_told_with_its_message(self, calling):
        client = calling()
        answer = client.post(ENQUEUE, {"object_id": jobs.FAILURE})
        run_everything()
        done = client.get(answer["Location"]).json()
        assert (done["finished"], done["status"]) == (True, "Error")
        assert done["message"] == "The printer ran out of paper."
        assert done["entry"]["status"] == "Error"

    def test_waiting_ends_with_the_run(self, calling, monkeypatch):
        """The run happens while the call waits, as a worker would do it."""
        monkeypatch.setattr(waiting.time, "sleep", lambda seconds: run_everything())
        answer = calling().post(ENQUEUE, BODY, headers={"Prefer": "wait=10"})
        assert (answer.status_code, answer.json()["status"]) == (200, "Success")
        assert answer["Preference-Applied"] == "wait=10"

    def test_waiting_ends_when_the_time_is_up(self, calling, monkeypatch):
        moments = iter(range(100))
        monkeypatch.setattr(waiting.time, "monotonic", lambda: float(next(moments)))
        monkeypatch.setattr(waiting.time, "sleep", lambda seconds: None)
        assert calling().post(ENQUEUE, BODY, headers={"Prefer": "wait=3"}).status_code == 202

    def test_calls_beyond_the_seats_do_not_wait(self, calling, monkeypatch):
        monkeypatch.setattr(waiting, "_seats", threading.BoundedSemaphore(1))
        waiting._seats.acquire()
        assert calling().post(ENQUEUE, BODY, headers={"Prefer": "wait=30"}).status_code == 202

    @pytest.mark.parametrize("prefer", ["wait=0", "wait=31", "wait=x", "wait", "wait=99999999999"])
    def test_a_wait_out_of_range_is_refused_and_nothing_runs(self, calling, prefer):
        refused(calling().post(ENQUEUE, BODY, headers={"Prefer": prefer}), 400, "prefer")
        assert not Entry.objects.exists()

    def test_other_preferences_are_ignored(self, calling):
        assert calling().post(ENQUEUE, BODY, headers={"Prefer": "respond-async"}).status_code == 202

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"object_id": 77}, 400, "invalid"),
            ({"object_id": jobs.TYPED, "parameters": {"colour": "red"}}, 400, "invalid"),
            ({"object_id": jobs.PROTECTED}, 403, "forbidden_user"),
            ({"object_id": jobs.SUCCESS, "expires_at": "2020-01-01T00:00:00Z"}, 400, "invalid"),
            ({"object_id": jobs.SUCCESS, "status": "Ready"}, 400, "invalid"),
        ],
    )
    def test_a_refusal_leaves_neither_entry_nor_key(self, calling, body, status, code):
        client = calling("Scheduler")
        answer = client.post(ENQUEUE, body, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["code"]) in {(status, code), (409, "expired")}
        assert not Entry.objects.exists()
        assert not IdempotencyKey.objects.exists()

    def test_operators_and_narrow_tokens_may_not(self, calling):
        refused(calling("Operator").post(ENQUEUE, BODY), 403, "not_allowed")
        refused(calling(scopes=["operate"]).post(ENQUEUE, BODY), 403, "scope_missing")

    def test_the_link_knows_nothing_of_other_companies(self, calling):
        foreign = builders.make_log_entry(builders.make_entry(company=builders.make_company("other")))
        refused(calling().get(f"{ENQUEUE}{foreign.entry_id}/"), 404, "not_found")


@pytest.mark.django_db
class TestRepeating:
    def test_the_same_call_starts_nothing_and_gets_the_same_answer(self, calling):
        client = calling()
        first = client.post(ENQUEUE, BODY, headers={"Idempotency-Key": "order-1"})
        run_everything()
        again = client.post(ENQUEUE, dict(reversed(BODY.items())), headers={"Idempotency-Key": "order-1"})
        assert (again.status_code, again.json()) == (202, first.json())
        assert again["Location"] == first["Location"]
        assert (again["Idempotency-Replayed"], "Idempotency-Replayed" in first) == ("true", False)
        assert LogEntry.objects.count() == 1
        assert not Entry.objects.exists()

    def test_another_body_is_refused(self, calling):
        client = calling()
        client.post(ENQUEUE, BODY, headers={"Idempotency-Key": "order-1"})
        other = client.post(ENQUEUE, BODY | {"description": "Later"}, headers={"Idempotency-Key": "order-1"})
        refused(other, 422, "idempotency_key_reused")
        assert Entry.objects.count() == 1

    def test_keys_belong_to_their_user_and_company(self, calling):
        builders.make_company("other")
        one, two = calling(), calling()
        for client, company in ((one, "main"), (two, "main"), (one, "other")):
            answer = client.post(
                f"/api/v1/companies/{company}/enqueue/", BODY, headers={"Idempotency-Key": "order-1"}
            )
            assert "Idempotency-Replayed" not in answer
        assert Entry.objects.count() == 3

    @pytest.mark.parametrize("key", ["", "a b", "x" * 201])
    def test_malformed_keys_are_refused(self, calling, key):
        refused(calling().post(ENQUEUE, BODY, headers={"Idempotency-Key": key}), 400, "idempotency_key")
        assert not Entry.objects.exists()

    def test_a_key_is_forgotten_after_a_day(self, calling):
        client = calling()
        client.post(ENQUEUE, BODY, headers={"Idempotency-Key": "order-1"})
        IdempotencyKey.objects.update(created_at=database_now() - timedelta(hours=24, minutes=1))
        client.post(ENQUEUE, BODY, headers={"Idempotency-Key": "order-1"})
        assert Entry.objects.count() == 2
        IdempotencyKey.objects.update(created_at=database_now() - timedelta(hours=24, minutes=1))
        assert idempotency.purge(database_now()) == 1

    def test_a_call_whose_answer_was_never_kept_is_answered_by_what_it_started(self, calling):
        """The process that made the entry died before it answered."""
        client = calling()
        first = client.post(ENQUEUE, BODY, headers={"Idempotency-Key": "order-1"}).json()
        IdempotencyKey.objects.update(answer_status=None, answer=None)
        run_everything()
        again = client.post(ENQUEUE, BODY, headers={"Idempotency-Key": "order-1"})
        assert (again.status_code, again.json()["entry_id"]) == (200, first["entry_id"])
        assert again["Idempotency-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
def test_of_calls_at_the_same_time_one_runs(calling):
    client = calling()
    ready = threading.Barrier(4)
    answers = []

    def call():
        try:
            ready.wait(10)
            answers.append(client.post(ENQUEUE, BODY, headers={"Idempotency-Key": "order-1"}))
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.json()["entry_id"] for answer in answers}) == 1
    assert Entry.objects.count() == 1

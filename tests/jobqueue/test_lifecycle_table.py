"""Every status × every verb: what is possible, what is refused, and with which code."""

import pytest

from jobqueue import lifecycle
from jobqueue.errors import JobQueueError
from jobqueue.models import Entry, EntryChange, ScheduledTask
from jobqueue.states import LogStatus, Status
from tests.builders import NOW, actor_of, make_category, make_entry, make_log_entry, make_superuser

pytestmark = pytest.mark.django_db

READY, IN_PROCESS, ERROR, ON_HOLD, FINISHED, INACTIVITY, WAITING = Status

VERBS = {
    "set_ready": lambda entry, actor: lifecycle.set_ready(entry, actor=actor, now=NOW),
    "set_on_hold": lambda entry, actor: lifecycle.set_on_hold(
        entry, actor=actor, reason="stock-taking", now=NOW
    ),
    "restart": lambda entry, actor: lifecycle.restart(entry, actor=actor, now=NOW),
    "run_now": lambda entry, actor: lifecycle.run_now(entry, actor=actor, now=NOW),
    "cancel_run": lambda entry, actor: lifecycle.cancel_run(entry, actor=actor, now=NOW),
    "change": lambda entry, actor: lifecycle.change_entry(
        entry, {"description": "New"}, actor=actor, now=NOW
    ),
    "set_priority": lambda entry, actor: lifecycle.set_priority_within_category(
        entry, 1000, actor=actor, now=NOW
    ),
    "run_once": lambda entry, actor: lifecycle.run_once(entry, actor=actor, now=NOW) and None,
    "copy": lambda entry, actor: lifecycle.copy_entry(entry, actor=actor, now=NOW) and None,
    "delete": lambda entry, actor: lifecycle.delete_entry(entry, actor=actor, now=NOW),
}

# status afterwards, or the code of the refusal; "gone" once deleted
TABLE = {
    "set_ready": {
        READY: READY, IN_PROCESS: "in_process", ERROR: READY, ON_HOLD: READY, FINISHED: READY,
        INACTIVITY: READY, WAITING: READY,
    },
    "set_on_hold": dict.fromkeys(Status, ON_HOLD),
    "restart": {
        READY: READY, IN_PROCESS: "in_process", ERROR: READY, ON_HOLD: READY, FINISHED: READY,
        INACTIVITY: READY, WAITING: READY,
    },
    "run_now": {
        READY: READY, IN_PROCESS: "in_process", ERROR: ERROR, ON_HOLD: ON_HOLD, FINISHED: "refused",
        INACTIVITY: INACTIVITY, WAITING: WAITING,
    },
    "cancel_run": dict.fromkeys(Status, "not_running"),
    "change": dict.fromkeys(Status, "locked_field") | {ON_HOLD: ON_HOLD},
    "set_priority": {status: status for status in Status} | {IN_PROCESS: "in_process"},
    "run_once": {status: status for status in Status},
    "copy": {status: status for status in Status},
    "delete": dict.fromkeys(Status, "gone") | {IN_PROCESS: "in_process"},
}  # fmt: skip

CASES = [(verb, status, outcome) for verb, row in TABLE.items() for status, outcome in row.items()]


def entry_in(status, **fields):
    make_category("BANK")
    return make_entry(status=status, category_code="BANK", **fields)


@pytest.mark.parametrize(
    ("verb", "status", "outcome"), CASES, ids=lambda value: str(getattr(value, "label", value))
)
def test_each_verb_in_each_status(verb, status, outcome):
    entry, actor = entry_in(status), actor_of(make_superuser())
    if isinstance(outcome, str) and outcome != "gone":
        with pytest.raises(JobQueueError, match=rf"entry {entry.pk}\).*\.$") as refusal:
            VERBS[verb](entry, actor)
        assert refusal.value.code == outcome
        unchanged = Entry.objects.get(pk=entry.pk)
        assert (unchanged.status, unchanged.revision) == (status, entry.revision)
        assert not ScheduledTask.objects.exists()
        assert not EntryChange.objects.exists()
    else:
        VERBS[verb](entry, actor)
        found = Entry.objects.filter(pk=entry.pk).first()
        assert ("gone" if found is None else found.status) == outcome


@pytest.mark.parametrize("verb", ["set_ready", "restart", "run_now", "delete"])
def test_a_run_the_status_does_not_show_stands_against_the_verb(verb):
    entry = entry_in(ON_HOLD)
    make_log_entry(entry, status=LogStatus.IN_PROCESS)
    with pytest.raises(JobQueueError, match="is in process since 09:00:00 UTC") as refusal:
        VERBS[verb](entry, actor_of(make_superuser()))
    assert refusal.value.code == "in_process"


@pytest.mark.parametrize(
    "verb", ["set_ready", "restart", "run_now", "run_once", "delete", "change", "set_on_hold"]
)
def test_an_owned_entry_is_moved_by_its_owner_alone(verb):
    entry = entry_in(ON_HOLD, owner_kind="package", owner_reference="MONTH-END line 2")
    with pytest.raises(JobQueueError, match="is owned by a package") as refusal:
        VERBS[verb](entry, actor_of(make_superuser()))
    assert refusal.value.code == "owned"


@pytest.mark.parametrize("verb", ["set_ready", "restart", "run_now"])
def test_an_expired_entry_is_not_released(verb):
    entry = entry_in(ON_HOLD, expires_at=NOW.replace(year=2025))
    with pytest.raises(JobQueueError, match="expired at 2025-03-02 09:00 UTC"):
        VERBS[verb](entry, actor_of(make_superuser()))


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_deleted_entry_is_not_found(verb):
    entry = entry_in(ON_HOLD)
    Entry.objects.filter(pk=entry.pk).delete()
    with pytest.raises(JobQueueError) as refusal:
        VERBS[verb](entry, actor_of(make_superuser()))
    assert refusal.value.code == "not_found"

"""Entries and their runs: who is told of a failure, a success, a recovery, a late start and a long run."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue import events, lifecycle
from jobqueue.dispatch import running
from jobqueue.dispatch.dispatcher import dispatch
from jobqueue.models import Entry, LogEntry, ScheduledTask
from jobqueue.scheduler import fixed_clock
from jobqueue.scheduler.claim import claim
from jobqueue.states import LogStatus, Status
from notifications import verbs, watch
from notifications.models import EntryLink, Message
from notifications.notify import DELIVER_ROUTINE
from notifications.telling import facts_of, words_of
from tests.builders import NOW, actor_of, make_log_entry, make_superuser, make_user
from tests.jobobjects import jobs
from tests.jobqueue.driving import HOUR, MINUTE, SECOND, connected, ready_entry, reload, run, status_of
from tests.notifications.outbox import add_line, deliver, make_default_list, make_list, who_gets

pytestmark = pytest.mark.django_db


def linked(entry: Entry, *lines, **fields) -> Entry:
    found = make_list(*lines, **fields)
    verbs.link_entry(entry, found, actor=actor_of(make_superuser()))
    return reload(entry)


def told() -> dict[str, str]:
    """Who is told, and what for; the last message of each."""
    return {who_gets(one): one.scenario for one in Message.objects.order_by("id")}


class TestFailures:
    def test_a_failure_for_good_is_told_to_the_linked_lists(self):
        ann, bob = make_user("ann"), make_user("bob")
        entry = linked(ready_entry(object_id=jobs.FAILURE), (ann, "entry_error"), (bob, "entry_success"))
        run()

        assert told() == {"ann": "entry_error"}
        message = Message.objects.get()
        assert (message.template, message.about_reference) == ("entry_failed", str(entry.id))
        assert message.facts["error"] == "The printer ran out of paper."
        assert message.facts["status_after"] == "error"
        assert message.source_reference == str(LogEntry.objects.get().entry_no)

    def test_attempts_that_are_tried_again_are_told_to_nobody(self):
        linked(ready_entry(object_id=jobs.FAILURE, max_attempts=2), (make_user("ann"), "entry_error"))
        run()
        assert told() == {}
        run(NOW + HOUR)
        run(NOW + 2 * HOUR)

        assert told() == {"ann": "entry_error"}
        assert Message.objects.get().facts["attempts"] == 3

    def test_without_a_list_the_default_list_is_told_else_whoever_made_it(self):
        maker = make_superuser("maker")
        ready_entry(object_id=jobs.FAILURE, user=maker)
        run()
        assert told() == {"maker": "entry_error"}

        make_default_list(("ops@example.com", "sample_error"))
        ready_entry(object_id=jobs.FAILURE, user=maker, now=NOW + HOUR)
        run(NOW + HOUR + SECOND)
        assert told() == {"maker": "entry_error", "ops@example.com": "entry_error"}

    def test_a_disabled_running_user_is_told_of(self):
        """*Decisions, Holds, status, attempts*: the due moment becomes an error at once, and mail goes out."""
        owner, runner = make_superuser("owner"), make_superuser("runner")
        entry = ready_entry(user=runner, created_by=owner)
        runner.is_active = False
        runner.save()
        run()

        assert status_of(entry) == Status.ERROR
        assert told() == {"owner": "entry_error"}
        assert "disabled" in Message.objects.get().facts["error"]

    def test_an_entry_that_stops_without_a_next_run_is_told_of(self):
        """It ran well and is in Error all the same: nobody may have to find that out by chance."""
        entry = ready_entry(recurring=True, next_run_date_formula="1D", user=make_superuser("maker"))
        Entry.objects.filter(pk=entry.pk).update(next_run_date_formula="-2Y")
        linked(entry, (make_user("ann"), "entry_error"), (make_user("bob"), "entry_recovery"))
        run(reload(entry).earliest_start_at)

        assert status_of(entry) == Status.ERROR
        assert told() == {"ann": "entry_error"}
        message = Message.objects.get()
        assert message.facts["status_after"] == "error"
        words = words_of(message)
        assert "its schedule leads to no further run" in words.text
        assert "There is no next run" in words.text
        assert "Correct the schedule" in words.text

    def test_without_a_list_whoever_made_the_stopped_entry_is_told(self):
        entry = ready_entry(recurring=True, next_run_date_formula="1D", user=make_superuser("maker"))
        Entry.objects.filter(pk=entry.pk).update(next_run_date_formula="-2Y")
        run(reload(entry).earliest_start_at)
        assert told() == {"maker": "entry_error"}

    def test_entries_with_an_owner_are_told_through_it(self):
        entry = ready_entry(object_id=jobs.FAILURE)
        Entry.objects.filter(pk=entry.pk).update(owner_kind="sample", owner_reference="1", is_watched=True)
        row = make_log_entry(entry, status=LogStatus.ERROR)
        entry = reload(entry)
        events.announce(events.failed_for_good, entry=entry, log_entry=row)
        events.announce_finish(entry=entry, log_entry=row)

        assert told() == {}

    def test_an_extension_that_notifies_itself_is_respected(self):
        ready_entry(object_id=jobs.FAILURE)
        with connected(events.before_notify, lambda **_: True):
            run()

        assert told() == {}

    def test_repeat_intervals_count_for_each_entry_and_end_with_a_success(self):
        maker = make_superuser("maker")
        entry = linked(
            ready_entry(object_id=jobs.FAILURE, user=maker), ("ops@example.com", "entry_error", 600)
        )

        def again(now, object_id):
            Entry.objects.filter(pk=entry.pk).update(
                object_id=object_id, recurring=True, minutes_between_runs=60
            )
            lifecycle.restart(reload(entry), actor=actor_of(maker), now=now)
            run(now + SECOND)
            return Message.objects.count()

        run()
        assert Message.objects.count() == 1
        assert again(NOW + 10 * MINUTE, jobs.FAILURE) == 1
        assert again(NOW + 20 * MINUTE, jobs.SUCCESS) == 1
        assert again(NOW + 30 * MINUTE, jobs.FAILURE) == 2

    def test_what_looks_like_a_secret_is_hidden(self):
        ready_entry(object_id=jobs.FAILURE, parameters={"text": "Login failed, password=hunter2 rejected."})
        run()

        assert "hunter2" not in Message.objects.get().facts["error"]

    def test_the_letter_reaches_people_in_words(self, mail_server):
        linked(
            ready_entry(object_id=jobs.FAILURE, description="Bank import"), (make_user("ann"), "entry_error")
        )
        run()
        deliver(NOW + SECOND)

        [mail] = mail_server.mails
        assert mail["Subject"] == "[Jobwarden] Job queue entry Bank import: Error"
        text = mail.get_body(("plain",)).get_content()
        assert "The printer ran out of paper." in text
        assert "/c/main/admin/jobqueue/entry/" in text
        assert "/c/main/admin/jobqueue/logentry/" in text


class TestSuccesses:
    def test_success_and_recovery(self):
        ann, bob = make_user("ann"), make_user("bob")
        entry = linked(ready_entry(recurring=True), (ann, "entry_success"), (bob, "entry_recovery"))
        run()
        assert told() == {"ann": "entry_success"}

        make_log_entry(entry, status=LogStatus.ERROR, due_at=NOW + 30 * MINUTE)
        run(NOW + 2 * HOUR)
        assert told() == {"ann": "entry_success", "bob": "entry_recovery"}
        assert Message.objects.filter(template="entry_recovered").count() == 1
        run(NOW + 4 * HOUR)
        assert Message.objects.filter(scenario="entry_recovery").count() == 1

    def test_an_entry_that_runs_once_is_told_of_though_it_is_gone(self):
        entry = linked(ready_entry(), (make_user("ann"), "entry_success"))
        run()

        assert (reload(entry), told()) == (None, {"ann": "entry_success"})
        facts = Message.objects.get().facts
        assert facts["status_after"] == "deleted"
        assert "address" not in facts["pages"]

    def test_notify_on_success_tells_the_running_user(self):
        ann = make_superuser("ann")
        ready_entry(user=ann, notify_on_success=True)
        ready_entry(user=ann)
        run()

        assert [who_gets(one) for one in Message.objects.all()] == ["ann"]

    def test_a_run_that_is_linked_while_it_runs_is_told_of(self):
        entry = ready_entry()
        with fixed_clock(NOW + SECOND):
            found = claim(1, cluster_id=None)[0]
            receiver = lambda **_: linked(reload(entry), ("ops@example.com", "entry_success")) and None  # noqa: E731
            with connected(events.before_execute, receiver):
                dispatch(found)

        assert told() == {"ops@example.com": "entry_success"}


class TestSlowness:
    @pytest.fixture
    def entry(self):
        entry = ready_entry(recurring=True, description="Import")
        found = make_list()
        add_line(found, "ten@example.com", "entry_late", threshold_minutes=10)
        add_line(found, "sixty@example.com", "entry_late", threshold_minutes=60)
        add_line(found, "long@example.com", "entry_ran_longer", threshold_minutes=30)
        verbs.link_entry(entry, found, actor=actor_of(make_superuser()))
        return reload(entry)

    def test_an_entry_that_does_not_start_is_told_of_once_to_each(self, entry):
        seen = []
        for minute in (5, 10, 11, 12, 59, 60, 62, 90):
            watch.look_round(now=NOW + SECOND + minute * MINUTE)
            seen.append((minute, sorted(who_gets(one) for one in Message.objects.all())))

        ten, both = ["ten@example.com"], ["sixty@example.com", "ten@example.com"]
        assert seen == [(5, []), (10, []), (11, ten), (12, ten), (59, ten), (60, ten), (62, both), (90, both)]

    def test_one_that_started_late_while_nobody_watched_is_told_of_at_its_end(self, entry):
        run(NOW + 20 * MINUTE)

        assert told() == {"ten@example.com": "entry_late"}
        assert facts_of(Message.objects.get())["minutes"] == 19

    def test_time_on_hold_is_not_late(self, entry):
        admin = actor_of(make_superuser())
        lifecycle.set_on_hold(entry, actor=admin, now=NOW)
        watch.look_round(now=NOW + HOUR)
        lifecycle.set_ready(reload(entry), actor=admin, now=NOW + 2 * HOUR)
        watch.look_round(now=NOW + 2 * HOUR + 5 * MINUTE)
        assert told() == {}

        watch.look_round(now=NOW + 2 * HOUR + 15 * MINUTE)
        assert told() == {"ten@example.com": "entry_late"}

    def test_a_run_that_goes_on_too_long_is_told_of_once(self, entry):
        row = make_log_entry(entry, status=LogStatus.IN_PROCESS, due_at=NOW)
        for minute in (20, 31, 32, 50):
            watch.look_round(now=NOW + minute * MINUTE)
        assert [who_gets(one) for one in Message.objects.filter(scenario="entry_ran_longer")] == [
            "long@example.com"
        ]

        LogEntry.objects.filter(pk=row.pk).update(status=LogStatus.SUCCESS, ended_at=NOW + HOUR)
        events.announce_finish(entry=reload(entry), log_entry=LogEntry.objects.get(pk=row.pk))
        assert Message.objects.filter(scenario="entry_ran_longer").count() == 1

    def test_a_long_run_nobody_saw_is_told_of_at_its_end(self, entry):
        row = make_log_entry(entry, due_at=NOW, ended_at=NOW + 31 * MINUTE)
        events.announce_finish(entry=entry, log_entry=row)

        assert told() == {"long@example.com": "entry_ran_longer"}


class TestCost:
    """What nobody listens to costs nothing."""

    def statements(self, **fields) -> int:
        ready_entry(**fields)
        with fixed_clock(NOW + SECOND):
            found = claim(1, cluster_id=None)[0]
            with CaptureQueriesContext(connection) as seen:
                dispatch(found)
        return len([query for query in seen if "SAVEPOINT" not in query["sql"]])

    @pytest.mark.skipif("connection.vendor != 'sqlite'", reason="Prepared statements go past the counter.")
    @pytest.mark.parametrize("recurring", [False, True])
    def test_a_run_nobody_listens_to_takes_the_fast_lane_whatever_others_are_linked(self, recurring):
        linked(ready_entry(now=NOW + HOUR), ("ops@example.com", "entry_success"))
        make_default_list(("ops@example.com", "entry_error"))

        assert self.statements(recurring=recurring) == (8 if recurring else 7)

    @pytest.mark.parametrize("recurring", [False, True])
    def test_only_entries_somebody_listens_to_leave_the_fast_lane(self, recurring, monkeypatch):
        slow = []
        before = running.finishing.finish
        monkeypatch.setattr(
            running.finishing, "finish", lambda ended: slow.append(ended.view.description) or before(ended)
        )
        ready_entry(description="plain", recurring=recurring)
        ready_entry(description="asked", recurring=recurring, notify_on_success=True)
        linked(ready_entry(description="linked", recurring=recurring), ("ops@example.com", "entry_error"))
        run()

        assert sorted(slow) == ["asked", "linked"]

    def test_a_linked_entry_whose_lists_want_nothing_of_it_writes_nothing(self):
        linked(ready_entry(), ("ops@example.com", "entry_error"))
        run()

        assert not Message.objects.exists()
        assert not ScheduledTask.objects.filter(main_routine=DELIVER_ROUTINE).exists()


class TestLookingRound:
    def test_the_minute_of_the_job_queue_brings_one_round(self):
        for _ in range(2):
            events.announce(events.minute_passed, now=NOW)
        assert ScheduledTask.objects.filter(main_routine=watch.WATCH_ROUTINE).count() == 1

    def test_a_queued_message_without_a_task_is_seen_to(self, mail_server):
        Message.objects.create(
            company=ready_entry().company,
            address="ops@example.com",
            recipient="ops@example.com",
            template="alarm",
            facts={"name": "Nightly"},
            scenario="sample_error",
            occurred_at=NOW,
            queued_at=NOW,
            next_attempt_at=NOW,
        )
        watch.look_round(now=NOW)
        deliver(NOW)

        assert len(mail_server.mails) == 1

    def test_messages_are_kept_for_their_days_and_waiting_ones_for_ever(self, settings):
        company = ready_entry().company
        for state in ("sent", "failed", "queued"):
            for days in (89, 91):
                Message.objects.create(
                    company=company,
                    recipient="x",
                    template="alarm",
                    scenario="sample_error",
                    state=state,
                    occurred_at=NOW,
                    queued_at=NOW - timedelta(days=days),
                    next_attempt_at=NOW + HOUR,
                )
        watch.look_round(now=NOW)

        assert sorted(Message.objects.values_list("state", flat=True)) == [
            "failed",
            "queued",
            "queued",
            "sent",
        ]

    def test_links_of_entries_that_are_gone_are_swept_up(self):
        entry = linked(ready_entry(), ("ops@example.com", "entry_error"))
        kept = linked(ready_entry(now=NOW + HOUR), ("ops@example.com", "entry_error"))
        run()
        assert reload(entry) is None
        watch.look_round(now=NOW + MINUTE)

        assert [link.entry_id for link in EntryLink.objects.all()] == [kept.id]

    def test_one_entry_that_cannot_be_told_of_does_not_stop_the_others(self, monkeypatch):
        entries = [linked(ready_entry(recurring=True)) for _ in range(2)]
        for entry in entries:
            found = EntryLink.objects.get(entry_id=entry.id).list
            add_line(found, f"{entry.pk}@example.com", "entry_late", threshold_minutes=10)
        before = watch.tell_late

        def break_once(entry, **named):
            if entry.pk == entries[0].pk:
                raise ZeroDivisionError
            return before(entry, **named)

        monkeypatch.setattr(watch, "tell_late", break_once)
        watch.look_round(now=NOW + HOUR)

        assert [who_gets(one) for one in Message.objects.all()] == [f"{entries[1].pk}@example.com"]


@pytest.mark.parametrize(("keep_ready", "state"), [(False, "held"), (True, "queued")])
def test_an_adopted_database_holds_what_waits_in_its_outbox(keep_ready, state):
    ready_entry(object_id=jobs.FAILURE)
    run_without_delivery()
    events.announce(events.after_adopt, actor=actor_of(make_superuser()), keep_ready=keep_ready, now=NOW)

    assert [one.state for one in Message.objects.all()] == [state]


def run_without_delivery() -> None:
    run()
    Message.objects.update(state="queued", next_attempt_at=NOW, sent_at=None)

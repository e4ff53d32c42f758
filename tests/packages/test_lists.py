"""The notification lists of a package: locked with it, told as the scenarios say, and what a message is made of."""

import pytest

from jobqueue.errors import Refused
from jobqueue.events import after_adopt
from jobqueue.models import Entry, ScheduledTask
from notifications import verbs
from notifications.models import Message, NotificationLine, NotificationList
from notifications.scenarios import registered
from notifications.telling import words_of
from packages import lifecycle
from packages.errors import PackageLocked
from packages.lists import private_list, set_shared_lists
from packages.models import Package, Run
from packages.states import OnError, Outcome, PackageStatus
from tests.builders import actor_of, make_superuser
from tests.jobobjects import jobs
from tests.packages.building import (
    HOUR,
    RECIPIENTS,
    TOMORROW,
    TONIGHT,
    active,
    boss_of,
    entries_of,
    last_run,
    mails,
    nightly,
    reloaded,
    results_of,
    run,
    with_recipients,
)

pytestmark = pytest.mark.django_db

LINE = {"address": "zoe@example.com", "scenario": "package_error"}


class TestLock:
    def test_the_private_list_is_locked_with_its_package(self):
        package = with_recipients(nightly())
        own, boss = private_list(package), boss_of(package)
        verbs.add_line(own, LINE, actor=boss)
        active(package)
        line = own.lines.first()
        for change in (
            lambda: verbs.add_line(own, LINE | {"address": "yan@example.com"}, actor=boss),
            lambda: verbs.change_line(line, {"repeat_minutes": 5}, actor=boss),
            lambda: verbs.remove_line(line, actor=boss),
        ):
            with pytest.raises(PackageLocked, match="Set it On Hold first"):
                change()
        assert own.lines.count() == len(RECIPIENTS) + 1

    def test_a_shared_list_may_change_but_not_go(self):
        package = nightly()
        boss = boss_of(package)
        shared = NotificationList.objects.create(company=package.company, name="On call")
        set_shared_lists(package, [shared], actor=boss)
        active(package)
        verbs.add_line(shared, LINE, actor=boss)
        with pytest.raises(Refused, match="“Nightly”"):
            verbs.delete_list(shared, actor=boss)


class TestTelling:
    def test_one_person_gets_one_message_per_run_end_about_the_gravest(self):
        package = nightly(failing=(20,))
        with_recipients(
            package, [("ann", code) for code in ("package_error", "package_stop", "package_completion")]
        )
        active(package)
        run()
        assert mails() == {"ann": [("package_stop", "package_error", "package_completion")]}

    def test_a_shared_list_is_told_besides_the_private_one(self):
        package = with_recipients(nightly(failing=(20,)), [("ann", "package_error")])
        shared = NotificationList.objects.create(company=package.company, name="On call")
        for address in ("ann@example.com", "zoe@example.com"):
            NotificationLine.objects.create(list=shared, address=address, scenario="package_error")
        set_shared_lists(package, [shared], actor=boss_of(package))
        active(package)
        run()
        assert mails() == {"ann": [("package_error",)], "zoe": [("package_error",)]}

    def test_a_success_ends_the_repeat_interval(self):
        package = nightly(failing=(20,), on_error=OnError.CONTINUE)
        NotificationLine.objects.create(
            list=private_list(package),
            address="ann@example.com",
            scenario="package_error",
            repeat_minutes=10_000,
        )
        active(package)
        run()
        run(TOMORROW)
        assert len(mails()["ann"]) == 1
        failing = entries_of(package)[1]
        Entry.objects.filter(pk=failing.pk).update(object_id=jobs.SUCCESS)
        run(TOMORROW + 24 * HOUR)
        Entry.objects.filter(pk=failing.pk).update(object_id=jobs.FAILURE)
        run(TOMORROW + 48 * HOUR)
        assert len(mails()["ann"]) == 2

    def test_an_empty_list_tells_whoever_made_the_package_of_failures(self):
        package = active(nightly(failing=(20,)))
        run()
        message = Message.objects.get()
        assert (message.user, message.source_kind, message.source_reference) == (
            package.created_by,
            "package_run",
            str(last_run(package).pk),
        )

    def test_starts_are_told_to_those_who_asked(self):
        package = with_recipients(nightly(), [("sam", "package_start")])
        active(package)
        run()
        assert mails() == {"sam": [("package_start",)]}

    def test_a_failing_list_never_harms_the_run(self, monkeypatch):
        def broken(*args, **named):
            raise RuntimeError("no list today")

        monkeypatch.setattr("notifications.notify.choose", broken)
        package = active(with_recipients(nightly(failing=(20,))))
        run()
        assert last_run(package).outcome == Outcome.ERROR
        assert not Message.objects.exists()


class TestLetters:
    def test_every_scenario_is_registered_with_its_sentence(self):
        found = {scenario.caption for scenario in registered("package")}
        assert found == {
            "On Error", "On Success", "On Completion", "On Entry Error", "On Stop", "On Missed Run", "On Recovery",
            "On Overrun", "On Start",
        }  # fmt: skip
        assert all(scenario.sentence.endswith(".") for scenario in registered("package"))

    def test_the_letter_of_a_failed_run_says_what_it_means(self):
        package = with_recipients(
            nightly(failing=(20,), description="Closes the day"), [("ann", "package_error")]
        )
        active(package)
        run()
        words = words_of(Message.objects.get())
        assert words.subject.endswith("Job queue package Nightly: Error")
        for expected in (
            "Nightly",
            "Closes the day",
            "The package has been stopped and will not run again until it is set active",
            "Calculate",
            "The printer ran out of paper.",
        ):
            assert expected in words.text, expected
        assert "Traceback" not in words.text

    def test_an_error_message_is_cut_and_never_a_trace(self):
        package = with_recipients(
            nightly(failing=(20,), entry_values={20: {"parameters": {"text": "x" * 3000}}}),
            [("eve", "package_entry_error")],
        )
        active(package)
        run()
        message = Message.objects.get()
        assert len(message.facts["line"]["error"]) == 1000
        assert message.facts["line"]["order"] == 20


def test_adopting_a_copied_database_holds_every_package_and_ends_open_runs():
    first, second = active(nightly()), nightly(name="Second")
    lifecycle.run_now(second, actor=boss_of(second), now=TONIGHT - HOUR)
    boss = actor_of(make_superuser())
    after_adopt.send(sender=Entry, actor=boss, keep_ready=True, now=TONIGHT)
    assert reloaded(first).status == PackageStatus.ACTIVE
    after_adopt.send(sender=Entry, actor=boss, keep_ready=False, now=TONIGHT)
    first = reloaded(first)
    assert (first.status, first.next_run_at, first.held_by) == (PackageStatus.ON_HOLD, None, boss.user)
    assert (results_of(last_run(second))[0], last_run(second).outcome) == ("Not Run", Outcome.STOPPED)
    assert not ScheduledTask.objects.filter(main_routine__startswith="packages.").exists()
    assert not Package.objects.exclude(next_run_at=None).exists()


SECRET_ERROR = {"parameters": {"text": "Sign-in refused: password=hunter2, try again."}}


def test_messages_hide_secrets_in_what_jobs_complain_of():
    """*Packages reference, Content*: never a secret, whatever a job says in its error."""
    package = with_recipients(nightly(failing=(20,)))
    line = package.lines.get(run_order=20)
    lifecycle.change_line_entry(line, SECRET_ERROR, actor=boss_of(package))
    active(package)
    run()
    found = list(Message.objects.all())
    assert len(found) == 4
    for message in found:
        words = words_of(message)
        assert "hunter2" not in words.text + words.html + repr(message.facts)
    assert "Sign-in refused" in words_of(found[0]).text


def test_an_entry_error_under_a_hold_says_that_the_later_entries_do_not_run():
    package = with_recipients(nightly(failing=(20,)))
    active(package)
    begun = lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT - HOUR)
    Run.objects.filter(pk=begun.pk).update(held_by=boss_of(package).user, hold_reason="Stock count")
    run(TONIGHT - HOUR + HOUR / 60)
    words = words_of(Message.objects.get(scenario="package_entry_error"))
    assert "The later entries of this run do not run." in words.text
    assert "the package stops" not in words.text

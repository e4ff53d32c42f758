"""Who is told: scenarios, one message per person, the fallback of failures, and protection from floods."""

from datetime import timedelta

import pytest
from django.db import transaction

from jobqueue.models import ScheduledTask
from notifications.models import Message, NotificationList, RepeatMark
from notifications.notify import DELIVER_ROUTINE, notify, reset_repeats
from tests.builders import NOW, make_company, make_user
from tests.notifications.outbox import add_line, make_default_list, make_list, occasion, tell

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
RUN_FAILED = ("sample_error", "sample_completion")
RUN_STOPPED = (*RUN_FAILED, "sample_stop")


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (RUN_STOPPED, {"ann", "cas", "dee"}),
        (RUN_FAILED, {"ann", "cas"}),
        (("sample_success", "sample_completion"), {"bob", "cas"}),
        (("sample_completion",), {"cas"}),
        (("sample_late",), set()),
    ],
)
def test_each_recipient_hears_of_the_scenarios_of_their_lines(codes, told):
    ann, bob, cas, dee = (make_user(name) for name in ("ann", "bob", "cas", "dee"))
    found = make_list(
        (ann, "sample_error"), (bob, "sample_success"), (cas, "sample_completion"), (dee, "sample_stop")
    )

    assert set(tell(*codes, lists=(found,))) == told


def test_several_lines_of_one_person_give_one_message_with_the_most_severe_scenario_first():
    ann = make_user("ann")
    found = make_list((ann, "sample_completion"), (ann, "sample_stop"), (ann, "sample_error"))

    assert tell(*RUN_STOPPED, lists=(found,)) == {"ann": ["sample_stop", "sample_error", "sample_completion"]}


def test_the_same_address_as_user_and_as_literal_is_one_person_whatever_its_case():
    ann = make_user("ann")
    found = make_list(("ANN@Example.com", "sample_error"), (ann, "sample_completion"))
    shared = make_list(("ann@example.com", "sample_stop"))

    assert tell(*RUN_STOPPED, lists=(found, shared)) == {
        "ann": ["sample_stop", "sample_error", "sample_completion"]
    }


def test_a_literal_address_in_two_lists_gets_one_message():
    lists = (make_list(("ops@example.com", "sample_error")), make_list(("Ops@example.com", "sample_error")))

    assert len(tell("sample_error", lists=lists)) == 1


def test_users_who_are_disabled_or_may_not_enter_the_company_are_not_told():
    gone = make_user("gone", is_active=False)
    elsewhere = make_user("elsewhere")
    make_company("other", members=[elsewhere])
    ann = make_user("ann")
    found = make_list((gone, "sample_error"), (elsewhere, "sample_error"), (ann, "sample_error"))

    assert set(tell("sample_error", lists=(found,))) == {"ann"}


def test_a_disabled_list_counts_as_empty():
    maker = make_user("maker")
    found = make_list((make_user("ann"), "sample_error"), is_enabled=False)

    told = tell("sample_error", lists=(found,), fallback_user=maker, fallback_scenarios=("sample_error",))

    assert set(told) == {"maker"}


def test_the_message_keeps_facts_source_and_moment():
    ann = make_user("ann", first_name="Ann", last_name="Brown")
    notify(occasion("sample_error", lists=(make_list((ann, "sample_error")),)))

    message = Message.objects.get()
    assert (message.recipient, message.scenario, message.state) == ("Ann Brown", "sample_error", "queued")
    assert (message.source_kind, message.source_reference) == ("package_run", "70")
    assert message.facts["name"] == "Nightly"
    assert message.occurred_at == message.next_attempt_at == NOW
    assert ScheduledTask.objects.filter(main_routine=DELIVER_ROUTINE).count() == 1


class TestFallback:
    """*Decisions, Packages and notifications*: an empty list, the company's default list, whoever made it."""

    def tell(self, *codes, **fields):
        return set(
            tell(
                *codes,
                fallback_user=make_user("maker"),
                fallback_scenarios=("sample_error", "sample_stop"),
                **fields,
            )
        )

    def test_failures_without_a_list_go_to_the_maker(self):
        assert self.tell(*RUN_FAILED) == {"maker"}
        assert Message.objects.get().told_as == Message.Reason.MAKER

    def test_the_default_list_comes_before_the_maker(self):
        make_default_list(("ops@example.com", "sample_error"))

        assert self.tell(*RUN_FAILED) == {"ops@example.com"}
        assert Message.objects.get().told_as == Message.Reason.DEFAULT_LIST

    def test_every_failure_line_of_the_default_list_counts_whatever_it_is_about(self):
        make_default_list(("ops@example.com", "entry_error"), (make_user("bob"), "sample_success"))

        assert self.tell("sample_stop") == {"ops@example.com"}

    def test_a_default_list_without_failure_lines_leaves_the_maker(self):
        make_default_list((make_user("bob"), "sample_success"))

        assert self.tell("sample_error") == {"maker"}

    def test_a_list_that_is_not_empty_is_left_as_it_is(self):
        make_default_list(("ops@example.com", "sample_error"))

        assert self.tell(*RUN_FAILED, lists=(make_list((make_user("bob"), "sample_success")),)) == set()

    def test_what_is_no_failure_goes_to_nobody(self):
        make_default_list(("ops@example.com", "sample_error"))

        assert self.tell("sample_success", "sample_completion") == set()

    def test_the_default_list_of_another_company_is_left_alone(self):
        make_default_list(("ops@example.com", "sample_error"), company=make_company("other"))

        assert self.tell("sample_error") == {"maker"}

    def test_without_anybody_nobody_is_told_and_nothing_fails(self):
        assert tell("sample_error", fallback_scenarios=("sample_error",)) == {}
        assert not ScheduledTask.objects.exists()


def test_users_told_in_any_case_get_one_message_also_when_they_are_listed():
    ann, bob = make_user("ann"), make_user("bob")
    found = make_list((ann, "sample_success"))

    assert set(tell("sample_success", lists=(found,), also=(ann, bob))) == {"ann", "bob"}


def test_a_line_with_minutes_is_told_only_above_them():
    found = make_list()
    add_line(found, make_user("ann"), "sample_late", threshold_minutes=10)
    add_line(found, make_user("bob"), "sample_late", threshold_minutes=60)

    assert tell("sample_late", lists=(found,), minutes={"sample_late": 10.0}) == {}
    assert set(tell("sample_late", lists=(found,), minutes={"sample_late": 10.5})) == {"ann"}
    assert set(tell("sample_late", lists=(found,), minutes={"sample_late": 61})) == {"ann", "bob"}


def test_what_is_noticed_again_is_told_once_to_each_line():
    found = make_list((make_user("ann"), "sample_late"))
    first = tell("sample_late", lists=(found,), once_key="late:1")
    add_line(found, make_user("bob"), "sample_late")
    second = tell("sample_late", lists=(found,), once_key="late:1")
    other = tell("sample_late", lists=(found,), once_key="late:2")

    assert (set(first), set(second), set(other)) == ({"ann"}, {"bob"}, {"ann", "bob"})


class TestFloodProtection:
    """*Packages reference, Flood protection*, on a clock that only the test moves."""

    @pytest.fixture
    def found(self) -> NotificationList:
        return make_list(("ann@example.com", "sample_error", 60))

    def fail(self, found, minute, **fields) -> list[int]:
        """How many had been held back, one number for each message that goes out."""
        moment = NOW + minute * MINUTE
        return [
            one.held_back for one in notify(occasion("sample_error", lists=(found,), moment=moment, **fields))
        ]

    def test_a_line_is_not_told_again_within_its_interval(self, found):
        told = [self.fail(found, minute) for minute in (0, 10, 59, 60, 61, 119, 120)]

        assert told == [[0], [], [], [2], [], [], [2]]

    def test_a_successful_run_resets_it(self, found):
        assert self.fail(found, 0) == [0]
        assert self.fail(found, 10) == []
        reset_repeats([found], ("package", "7"))

        assert self.fail(found, 20) == [0]

    def test_the_success_of_another_package_resets_nothing(self, found):
        self.fail(found, 0)
        reset_repeats([found], ("package", "8"))

        assert self.fail(found, 10) == []

    def test_each_package_has_an_interval_of_its_own(self, found):
        self.fail(found, 0)

        assert self.fail(found, 1, about=("package", "8")) == [0]

    def test_each_scenario_has_an_interval_of_its_own(self, found):
        add_line(found, "ann@example.com", "sample_success", repeat_minutes=60)
        self.fail(found, 0)

        assert set(tell("sample_success", lists=(found,), moment=NOW + MINUTE)) == {"ann@example.com"}

    def test_a_person_with_a_line_without_interval_is_told_every_time(self, found):
        add_line(found, "ann@example.com", "sample_completion")
        self.fail(found, 0)
        told = notify(occasion(*RUN_FAILED, lists=(found,), moment=NOW + MINUTE))

        assert [one.scenarios for one in told] == [["sample_error", "sample_completion"]]

    def test_lines_held_back_together_count_as_one_message(self, found):
        add_line(found, "ann@example.com", "sample_completion", repeat_minutes=60)
        for minute in (0, 10, 20):
            notify(occasion(*RUN_FAILED, lists=(found,), moment=NOW + minute * MINUTE))
        told = notify(occasion(*RUN_FAILED, lists=(found,), moment=NOW + 60 * MINUTE))

        assert [one.held_back for one in told] == [2]

    def test_the_default_list_has_intervals_too_and_a_success_resets_them(self):
        make_default_list(("ops@example.com", "sample_error", 60))

        def fail(minute):
            return len(
                notify(
                    occasion(
                        "sample_error", moment=NOW + minute * MINUTE, fallback_scenarios=("sample_error",)
                    )
                )
            )

        assert [fail(0), fail(10)] == [1, 0]
        reset_repeats([], ("package", "7"))
        assert fail(20) == 1

    def test_what_was_rolled_back_was_never_told(self, found):
        with transaction.atomic():
            self.fail(found, 0)
            transaction.set_rollback(True)

        assert (Message.objects.count(), RepeatMark.objects.count()) == (0, 0)
        assert self.fail(found, 1) == [0]


def test_an_unknown_scenario_tells_nobody_and_undoes_nothing():
    ann = make_user("ann")
    found = make_list((ann, "sample_error"))

    assert tell("no_such_scenario", "sample_error", lists=(found,)) == {"ann": ["sample_error"]}


def test_facts_that_cannot_be_stored_tell_nobody_and_leave_the_caller_its_transaction():
    found = make_list((make_user("ann"), "sample_error"))
    with transaction.atomic():
        late = make_user("made in the same transaction")
        assert notify(occasion("sample_error", lists=(found,), facts={"broken": object()})) == []

    late.refresh_from_db()
    assert Message.objects.count() == 0

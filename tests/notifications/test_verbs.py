"""The verbs of lists, lines, links, targets and messages: permissions, every refusal, and what they leave behind."""

from functools import partial

import pytest

from jobqueue.errors import Invalid, JobQueueError, NotAllowed, NotFound, Refused
from jobqueue.models import Entry, EntryChange, ScheduledTask
from notifications import verbs
from notifications.events import before_change_list
from notifications.models import (
    ChannelTarget,
    DefaultList,
    EntryLink,
    Message,
    NotificationLine,
    NotificationList,
    RecipientPreference,
)
from notifications.notify import DELIVER_ROUTINE
from notifications.verbs.targets import address_of, secret_of
from tests.builders import (
    NOW,
    actor_of,
    default_company,
    make_company,
    make_entry,
    make_superuser,
    make_user,
)
from tests.jobqueue.driving import connected
from tests.notifications.outbox import add_line, deliver, make_default_list, make_list, tell

pytestmark = pytest.mark.django_db
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def admin():
    return actor_of(make_user("admin", groups=["Administrator"]))


@pytest.fixture
def scheduler():
    return actor_of(make_user("scheduler", groups=["Scheduler"]))


@pytest.fixture
def operator():
    return actor_of(make_user("operator", groups=["Operator"]))


def problems(error: Invalid) -> set[tuple[str, str]]:
    return {(one.field, one.code) for one in error.problems}


class TestLists:
    def test_a_list_is_made_changed_and_deleted(self, admin):
        found = verbs.create_list(
            default_company(), {"name": " On call ", "description": "Nights"}, actor=admin
        )
        verbs.change_list(found, {"name": "Nights", "is_enabled": "off"}, actor=admin)
        found.refresh_from_db()

        assert (found.name, found.description, found.is_enabled) == ("Nights", "Nights", False)
        verbs.delete_list(found, actor=admin)
        assert not NotificationList.objects.exists()

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({}, ("name", "required")),
            ({"name": "  "}, ("name", "required")),
            ({"name": "ON CALL"}, ("name", "exists")),
            ({"name": "x" * 101}, ("name", "too_long")),
            ({"name": "two\nlines"}, ("name", "invalid")),
            ({"name": "A", "is_enabled": "perhaps"}, ("is_enabled", "invalid")),
            ({"name": "A", "colour": "red"}, ("colour", "unknown_field")),
        ],
    )
    def test_bad_values_are_refused_with_their_reason(self, admin, values, problem):
        make_list(name="On call")
        with pytest.raises(Invalid) as error:
            verbs.create_list(default_company(), values, actor=admin)

        assert problem in problems(error.value)
        assert NotificationList.objects.count() == 1

    def test_shared_lists_need_an_administrator_private_ones_a_scheduler(self, scheduler, operator):
        with pytest.raises(NotAllowed, match="Administrator"):
            verbs.create_list(default_company(), {"name": "On call"}, actor=scheduler)
        private = verbs.create_list(
            default_company(), {"name": "Nightly"}, actor=scheduler, owner=("sample", "1")
        )
        with pytest.raises(NotAllowed, match="Scheduler"):
            verbs.add_line(private, {"address": "a@example.com", "scenario": "entry_error"}, actor=operator)

        assert private.is_private

    def test_the_name_of_a_private_list_may_be_taken_but_an_owner_has_one_list(self, admin):
        make_list(name="Nightly")
        verbs.create_list(default_company(), {"name": "Nightly"}, actor=admin, owner=("sample", "1"))
        with pytest.raises(Invalid, match="private notification list already"):
            verbs.create_list(default_company(), {"name": "Other"}, actor=admin, owner=("sample", "1"))

    def test_a_private_list_goes_only_with_its_owner(self, admin):
        found = verbs.create_list(default_company(), {"name": "N"}, actor=admin, owner=("sample", "1"))
        with pytest.raises(Refused, match="deleted together with it"):
            verbs.delete_list(found, actor=admin)
        verbs.delete_list(found, actor=admin, as_owner=True)

        assert not NotificationList.objects.exists()

    def test_lines_are_copied_once(self, admin):
        source = make_list(("a@example.com", "entry_error", 30), (make_user("ann"), "entry_success"))
        to = make_list(("A@example.com", "entry_error"))

        assert verbs.copy_lines(source, to, actor=admin) == 1
        assert verbs.copy_lines(source, to, actor=admin) == 0
        assert to.lines.count() == 2

    def test_a_deleted_recipient_takes_their_lines_along_and_the_list_says_so(self):
        ann = make_user("ann")
        found = make_list((ann, "entry_error"), (ann, "entry_success"), ("b@example.com", "entry_error"))
        ann.delete()
        found.refresh_from_db()

        assert found.lines.count() == 1
        assert found.remark == "The user “ann” was deleted, and with them 2 lines of this list."


class TestLock:
    """A package locks its private list while it is Active."""

    VERBS = (
        lambda found, line, actor, **more: verbs.add_line(
            found, {"address": "new@example.com", "scenario": "sample_error"}, actor=actor, **more
        ),
        lambda found, line, actor, **more: verbs.change_line(
            line, {"repeat_minutes": 5}, actor=actor, **more
        ),
        lambda found, line, actor, **more: verbs.remove_line(line, actor=actor, **more),
        lambda found, line, actor, **more: verbs.change_list(found, {"name": "Other"}, actor=actor, **more),
        lambda found, line, actor, **more: verbs.delete_list(found, actor=actor, **more),
        lambda found, line, actor, **more: verbs.copy_lines(make_list(), found, actor=actor, **more),
    )

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_veto_refuses_every_change_but_the_owners(self, verb, admin):
        found = make_list(("a@example.com", "sample_error"), owner_kind="sample", owner_reference="1")

        def refuse(sender, list, actor, change, **named):
            raise Refused(f"“{list}” is locked while its package is Active. Choose Set On Hold first.")

        with connected(before_change_list, refuse):
            with pytest.raises(Refused, match="Set On Hold"):
                verb(found, found.lines.get(), admin)
            assert [line.repeat_minutes for line in found.lines.all()] == [0]
            verb(found, found.lines.get(), admin, as_owner=True)


class TestLines:
    @pytest.fixture
    def found(self):
        return make_list(name="On call")

    def test_each_kind_of_recipient(self, found, admin):
        target = ChannelTarget.objects.create(company=default_company(), name="Operations")
        make_user("ann")
        for values in (
            {"user": "ann", "scenario": "entry_error"},
            {"address": " bob@example.com ", "scenario": "entry_late", "threshold_minutes": "15"},
            {"target": "operations", "scenario": "entry_error", "repeat_minutes": 60},
        ):
            verbs.add_line(found, values, actor=admin)

        assert [line.recipient for line in found.lines.all()] == ["ann", "bob@example.com", "Operations"]
        assert [line.threshold_minutes for line in found.lines.all()] == [None, 15, None]
        assert found.lines.get(target=target).repeat_minutes == 60

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({"scenario": "entry_error"}, ("recipient", "one_recipient")),
            ({"user": "ann", "address": "a@example.com"}, ("recipient", "one_recipient")),
            ({"user": "nobody"}, ("user", "unknown_user")),
            ({"user": "gone"}, ("user", "disabled_user")),
            ({"user": "mute"}, ("user", "no_address")),
            ({"user": "elsewhere"}, ("user", "other_company")),
            ({"address": "no address"}, ("address", "invalid_address")),
            ({"address": "a@example.com, b@example.com"}, ("address", "invalid_address")),
            ({"address": "a@example.com\nBcc: b@example.com"}, ("address", "invalid_address")),
            ({"target": "Nowhere"}, ("target", "unknown_target")),
            ({"address": "new@example.com"}, ("scenario", "unknown_scenario")),
            ({"address": "new@example.com", "scenario": "no_such"}, ("scenario", "unknown_scenario")),
            ({"address": "new@example.com", "scenario": "entry_late"}, ("threshold_minutes", "required")),
            (
                {"address": "new@example.com", "scenario": "entry_error", "threshold_minutes": 5},
                ("threshold_minutes", "not_used"),
            ),
            (
                {"address": "new@example.com", "scenario": "entry_error", "repeat_minutes": "-1"},
                ("repeat_minutes", "invalid"),
            ),
            (
                {"address": "new@example.com", "scenario": "entry_error", "repeat_minutes": "1e9"},
                ("repeat_minutes", "invalid"),
            ),
            ({"address": "OLD@example.com", "scenario": "entry_error"}, ("recipient", "duplicate")),
            ({"adress": "a@example.com"}, ("adress", "unknown_field")),
        ],
    )
    def test_bad_lines_are_refused_with_their_reason(self, found, admin, values, problem):
        add_line(found, "old@example.com", "entry_error")
        make_user("ann")
        make_user("gone", is_active=False)
        make_company("other", members=[make_user("elsewhere")])
        mute = make_user("mute")
        mute.email = ""
        mute.save()
        with pytest.raises(Invalid) as error:
            verbs.add_line(found, values, actor=admin)

        assert problem in problems(error.value)
        assert NotificationLine.objects.count() == 1

    def test_all_problems_of_a_line_are_reported_together(self, found, admin):
        with pytest.raises(Invalid) as error:
            verbs.add_line(
                found, {"address": "nothing", "scenario": "no", "repeat_minutes": "x"}, actor=admin
            )

        assert {field for field, _ in problems(error.value)} == {"address", "scenario", "repeat_minutes"}

    def test_a_private_list_takes_the_scenarios_of_its_owner_only(self, admin):
        found = make_list(owner_kind="sample", owner_reference="1")
        with pytest.raises(Invalid, match="sample_error"):
            verbs.add_line(found, {"address": "a@example.com", "scenario": "entry_error"}, actor=admin)
        verbs.add_line(found, {"address": "a@example.com", "scenario": "sample_error"}, actor=admin)

    def test_a_new_recipient_replaces_the_old_one(self, found, admin):
        ann = make_user("ann")
        line = add_line(found, "old@example.com", "entry_error")
        verbs.change_line(line, {"user": ann}, actor=admin)
        line.refresh_from_db()

        assert (line.user, line.address, line.scenario) == (ann, "", "entry_error")

    def test_a_line_that_is_gone_cannot_be_changed(self, found, admin):
        line = add_line(found, "old@example.com", "entry_error")
        verbs.remove_line(line, actor=admin)
        with pytest.raises(NotFound):
            verbs.change_line(line, {"repeat_minutes": 1}, actor=admin)


class TestLinks:
    def test_linking_lets_the_entry_tell_and_unlinking_ends_it(self, scheduler):
        entry, first, second = make_entry(), make_list(), make_list()
        for found in (first, second, first):
            verbs.link_entry(entry, found, actor=scheduler)
        entry.refresh_from_db()
        assert (entry.is_watched, EntryLink.objects.count()) == (True, 2)
        assert set(verbs.linked_lists(entry)) == {first, second}

        assert verbs.unlink_entry(entry, first, actor=scheduler)
        assert not verbs.unlink_entry(entry, first, actor=scheduler)
        entry.refresh_from_db()
        assert entry.is_watched
        verbs.unlink_entry(entry, second, actor=scheduler)
        entry.refresh_from_db()
        assert not entry.is_watched
        assert list(EntryChange.objects.order_by("id").values_list("action", flat=True)) == [
            "link-list",
            "link-list",
            "unlink-list",
            "unlink-list",
        ]

    def test_deleting_the_last_list_of_an_entry_ends_it_too(self, admin):
        entry, found = make_entry(), make_list()
        verbs.link_entry(entry, found, actor=admin)
        verbs.delete_list(found, actor=admin)
        entry.refresh_from_db()

        assert (entry.is_watched, EntryLink.objects.count()) == (False, 0)

    @pytest.mark.parametrize(
        ("entry_fields", "list_fields", "words"),
        [
            ({"owner_kind": "package", "owner_reference": "1"}, {}, "belongs to a package"),
            ({}, {"owner_kind": "sample", "owner_reference": "1"}, "private list of a sample"),
            ({}, {"company": "other"}, "another company"),
        ],
    )
    def test_links_that_make_no_sense_are_refused(self, admin, entry_fields, list_fields, words):
        if list_fields.get("company"):
            list_fields = {"company": make_company("other")}
        entry = make_entry(**entry_fields)
        with pytest.raises(JobQueueError, match=words):
            verbs.link_entry(entry, make_list(**list_fields), actor=admin)

        assert not Entry.objects.get(pk=entry.pk).is_watched

    def test_linking_needs_a_scheduler(self, operator):
        with pytest.raises(NotAllowed):
            verbs.link_entry(make_entry(), make_list(), actor=operator)


class TestDefaultList:
    def test_it_is_chosen_replaced_and_taken_away(self, admin):
        first, second = (make_list(("a@example.com", "entry_error")) for _ in range(2))
        for found in (first, second):
            verbs.set_default_list(default_company(), found, actor=admin)
        assert DefaultList.objects.get().list == second
        verbs.set_default_list(default_company(), None, actor=admin)
        assert not DefaultList.objects.exists()

    def test_a_list_that_would_tell_nobody_of_failures_is_refused(self, admin):
        found = make_list(("a@example.com", "entry_success"))
        with pytest.raises(Invalid, match="names nobody for failures"):
            verbs.set_default_list(default_company(), found, actor=admin)

    def test_private_lists_and_those_of_other_companies_are_refused(self, admin):
        with pytest.raises(Invalid, match="private list"):
            verbs.set_default_list(
                default_company(), make_list(owner_kind="sample", owner_reference="1"), actor=admin
            )
        with pytest.raises(NotAllowed, match="another company"):
            verbs.set_default_list(default_company(), make_list(company=make_company("other")), actor=admin)

    def test_the_default_list_cannot_be_deleted(self, admin):
        with pytest.raises(Refused, match="Choose another default list first"):
            verbs.delete_list(make_default_list(), actor=admin)

    def test_choosing_it_needs_an_administrator(self, scheduler):
        with pytest.raises(NotAllowed):
            verbs.set_default_list(default_company(), None, actor=scheduler)


class TestSending:
    def test_a_test_message_goes_to_every_recipient_once(self, admin, mail_server):
        ann = make_user("ann")
        found = make_list(
            (ann, "entry_error"),
            ("ANN@example.com", "entry_success"),
            ("bob@example.com", "entry_error"),
            name="On call",
        )
        messages = verbs.send_test(found, actor=admin, now=NOW)
        deliver(NOW)

        assert {one.recipient for one in messages} == {"ann", "bob@example.com"}
        assert sorted(box[0] for box in mail_server.envelopes) == ["ann@example.com", "bob@example.com"]
        assert all(one["Subject"].startswith("[Jobwarden] Test") for one in mail_server.mails)
        assert Message.objects.filter(is_test=True, state="sent").count() == 2

    def test_a_list_without_anybody_cannot_be_tested(self, admin):
        with pytest.raises(Refused, match="no recipient who can be reached"):
            verbs.send_test(make_list(), actor=admin)

    def test_testing_needs_an_administrator(self, scheduler):
        with pytest.raises(NotAllowed):
            verbs.send_test(make_list(("a@example.com", "entry_error")), actor=scheduler)

    def test_a_failed_message_is_sent_again_to_the_address_the_user_has_now(
        self, admin, operator, mail_server
    ):
        ann = make_user("ann")
        ann.email = ""
        ann.save()
        [message] = verbs.send_test(make_list((ann, "entry_error")), actor=admin, now=NOW)
        deliver(NOW)
        ann.email = "ann@example.com"
        ann.save()
        message.refresh_from_db()
        assert message.state == "failed"
        again = verbs.send_again(message, actor=operator, now=NOW)
        deliver(NOW)

        again.refresh_from_db()
        assert (again.state, again.sent_again_from) == ("sent", message)
        assert mail_server.envelopes == [["ann@example.com"]]

    def test_a_message_on_its_way_is_not_sent_again(self, admin, operator):
        [message] = verbs.send_test(make_list(("a@example.com", "entry_error")), actor=admin)
        with pytest.raises(Refused, match="still on its way"):
            verbs.send_again(message, actor=operator)

        assert Message.objects.count() == 1

    def test_a_held_message_is_let_go_itself(self, admin, operator, mail_server):
        [message] = verbs.send_test(make_list(("a@example.com", "entry_error")), actor=admin, now=NOW)
        Message.objects.update(state="held")
        assert verbs.send_again(message, actor=operator, now=NOW) == message
        deliver(NOW)

        message.refresh_from_db()
        assert (message.state, len(mail_server.mails)) == ("sent", 1)

    def test_sending_again_needs_an_operator(self, admin):
        [message] = verbs.send_test(make_list(("a@example.com", "entry_error")), actor=admin)
        with pytest.raises(NotAllowed):
            verbs.send_again(message, actor=actor_of(make_user(groups=["Viewer"])))


class TestTargets:
    VALUES = {
        "name": "Operations",
        "kind": "webhook",
        "address": "https://hooks.example.com/abc",
        "secret": SECRET,
    }

    def test_address_and_secret_are_stored_encrypted(self, admin):
        target = verbs.create_target(default_company(), self.VALUES, actor=admin)
        target.refresh_from_db()

        assert (address_of(target), secret_of(target), target.host) == (
            "https://hooks.example.com/abc",
            SECRET,
            "hooks.example.com",
        )
        assert b"abc" not in bytes(target.address_encrypted)
        assert bytes(target.secret_encrypted) != SECRET.encode()

    def test_what_is_left_empty_stays(self, admin):
        target = verbs.create_target(default_company(), self.VALUES, actor=admin)
        target = verbs.update_target(target, {"name": "Ops", "address": "", "secret": ""}, actor=admin)

        assert (target.name, address_of(target), secret_of(target)) == ("Ops", self.VALUES["address"], SECRET)

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"address": ""}, ("address", "required")),
            ({"address": "ftp://example.com"}, ("address", "invalid_address")),
            ({"address": "http://127.0.0.1:9/x"}, ("address", "outbound_refused")),
            ({"address": "https://user:secret@example.com"}, ("address", "invalid_address")),
            ({"secret": "hunter2"}, ("secret", "invalid_secret")),
            ({"address": "https://example.com:port/"}, ("address", "invalid_address")),
            ({"name": ""}, ("name", "invalid")),
            ({"name": "TAKEN"}, ("name", "exists")),
            ({"kind": "pigeon"}, ("kind", "unknown_kind")),
        ],
    )
    def test_bad_targets_are_refused(self, admin, change, problem):
        ChannelTarget.objects.create(company=default_company(), name="taken")
        with pytest.raises(Invalid) as error:
            verbs.create_target(default_company(), self.VALUES | change, actor=admin)

        assert problem in problems(error.value)

    def test_a_target_is_not_moved_inside_the_house(self, admin):
        target = verbs.create_target(default_company(), self.VALUES, actor=admin)
        with pytest.raises(Invalid, match="OUTBOUND_ALLOWED_HOSTS"):
            verbs.update_target(target, {"address": "https://10.0.0.1/"}, actor=admin)

        assert ChannelTarget.objects.get().host == "hooks.example.com"

    def test_a_target_on_a_list_cannot_be_deleted(self, admin):
        target = verbs.create_target(default_company(), self.VALUES, actor=admin)
        found = make_list((target, "entry_error"), name="On call")
        with pytest.raises(Refused, match="On call"):
            verbs.delete_target(target, actor=admin)
        found.lines.all().delete()
        verbs.delete_target(target, actor=admin)

        assert not ChannelTarget.objects.exists()

    def test_a_change_keeps_a_secret_that_was_renewed_meanwhile(self, admin):
        opened = verbs.create_target(default_company(), self.VALUES, actor=admin)
        fresh = verbs.renew_secret(ChannelTarget.objects.get(), actor=admin)
        verbs.update_target(opened, {"name": "Ops"}, actor=admin)

        assert secret_of(ChannelTarget.objects.get()).split()[0] == fresh

    def test_a_target_deleted_meanwhile_does_not_come_back(self, admin):
        opened = verbs.create_target(default_company(), self.VALUES, actor=admin)
        verbs.delete_target(ChannelTarget.objects.get(), actor=admin)
        for change in (verbs.renew_secret, partial(verbs.update_target, values={"name": "Ops"})):
            with pytest.raises(NotFound, match="somebody deleted it"):
                change(opened, actor=admin)

        assert not ChannelTarget.objects.exists()

    def test_one_round_of_delivery_takes_all_that_is_replayed(self, admin):
        target = verbs.create_target(default_company(), self.VALUES, actor=admin)
        found = make_list((target, "entry_error"))
        failed = [tell("entry_error", lists=(found,)) for _ in range(3)]
        Message.objects.update(state=Message.State.FAILED, failed_at=NOW)
        ScheduledTask.objects.all().delete()

        replayed = verbs.replay_failed(target, since=NOW, actor=admin, now=NOW)
        assert len(replayed) == len(failed)
        assert ScheduledTask.objects.filter(main_routine=DELIVER_ROUTINE).count() == 1
        assert verbs.replay_failed(target, since=NOW, actor=admin, now=NOW) == []

    def test_targets_need_an_administrator(self, scheduler):
        with pytest.raises(NotAllowed):
            verbs.create_target(default_company(), self.VALUES, actor=scheduler)


class TestPreferences:
    def test_people_set_their_own(self, operator):
        verbs.set_preference(operator.user, language="nl", time_zone="Europe/Amsterdam", actor=operator)

        found = RecipientPreference.objects.get()
        assert (found.language, found.time_zone) == ("nl", "Europe/Amsterdam")

    def test_only_administrators_set_those_of_others(self, operator, admin):
        ann = make_user("ann")
        with pytest.raises(NotAllowed):
            verbs.set_preference(ann, language="de", actor=operator)
        verbs.set_preference(ann, language="de", actor=admin)

    def test_unknown_languages_and_zones_are_refused_together(self, operator):
        with pytest.raises(Invalid) as error:
            verbs.set_preference(operator.user, language="tlh", time_zone="Mars/Olympus", actor=operator)

        assert problems(error.value) == {("language", "unknown_language"), ("time_zone", "unknown_time_zone")}


def test_superusers_of_the_system_may_do_all_of_it():
    actor = actor_of(make_superuser())
    found = verbs.create_list(default_company(), {"name": "On call"}, actor=actor)
    verbs.add_line(found, {"user": actor.user, "scenario": "entry_error"}, actor=actor)

    assert found.lines.count() == 1

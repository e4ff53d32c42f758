"""The verbs on packages: what they store, what they refuse, and that nothing is changed while a package is locked."""

from dataclasses import dataclass
from datetime import time

import pytest

from jobqueue import lifecycle as entry_verbs
from jobqueue.errors import Invalid, NotAllowed, NotFound, Refused
from jobqueue.masking import masked, unmasked
from jobqueue.models import Entry, EntryChange
from jobqueue.objects import codeunit, registry
from jobqueue.states import HoldKind, Status
from notifications.models import NotificationLine, NotificationList
from packages import lifecycle
from packages.errors import CannotStart, PackageChangedMeanwhile, PackageLocked
from packages.guards import warnings
from packages.lists import lists_of, private_list, set_shared_lists
from packages.models import Package, PackageLine, Recurrence, Run, StatusChange
from packages.states import OnError, PackageStatus
from tests.builders import (
    actor_of,
    default_company,
    make_category,
    make_company,
    make_entry,
    make_recurring_entry,
    make_superuser,
    make_user,
)
from tests.jobobjects import jobs
from tests.packages.building import (
    EVERY_DAY,
    FRIDAY_NOON,
    TONIGHT,
    active,
    add_daily,
    add_line,
    boss_of,
    entries_of,
    last_run,
    make_package,
    nightly,
    reloaded,
    run,
    with_recipients,
)

pytestmark = pytest.mark.django_db


def problems_of(refusal) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in refusal.value.problems]


class TestPackages:
    def test_a_new_package_is_on_hold_with_the_defaults_of_its_company(self):
        company = make_company(time_zone="Europe/Copenhagen")
        boss = make_superuser()
        package = lifecycle.create_package(company, {"name": "  Nightly "}, actor=actor_of(boss), now=TONIGHT)
        assert (package.name, package.status, package.on_error, package.time_zone) == (
            "Nightly",
            PackageStatus.ON_HOLD,
            OnError.STOP,
            "Europe/Copenhagen",
        )
        assert (package.late_tolerance_minutes, package.missed_run, package.created_by) == (
            5,
            "run_late",
            boss,
        )
        assert private_list(package).company == company

    @pytest.mark.parametrize(
        ("values", "found"),
        [
            ({}, ("name", "required")),
            ({"name": "  "}, ("name", "required")),
            ({"name": "N" * 101}, ("name", "invalid")),
            ({"name": " nightLY "}, ("name", "name_taken")),
            ({"name": "X", "time_zone": "Mars/Base"}, ("time_zone", "invalid")),
            ({"name": "X", "on_error": "explode"}, ("on_error", "invalid")),
            ({"name": "X", "late_tolerance_minutes": -1}, ("late_tolerance_minutes", "invalid")),
            ({"name": "X", "late_tolerance_minutes": "soon"}, ("late_tolerance_minutes", "invalid")),
            ({"name": "X", "run_as_user": "nobody"}, ("run_as_user", "unknown_user")),
            ({"name": "X", "status": "active"}, ("status", "unknown_field")),
        ],
    )
    def test_bad_input_is_refused_and_leaves_nothing(self, values, found):
        make_package("Nightly")
        with pytest.raises(Invalid) as refusal:
            lifecycle.create_package(default_company(), values, actor=actor_of(make_superuser()))
        assert problems_of(refusal) == [found]
        assert (Package.objects.count(), NotificationList.objects.count()) == (1, 1)

    def test_all_problems_come_together(self):
        with pytest.raises(Invalid) as refusal:
            make_package("", time_zone="Mars/Base", on_error="explode")
        assert {field for field, _ in problems_of(refusal)} == {"name", "time_zone", "on_error"}

    def test_another_company_may_use_the_same_name(self):
        make_package("Nightly")
        assert make_package("Nightly", company=make_company()).name == "Nightly"

    def test_a_change_is_stored_with_who_and_when_and_names_follow(self):
        package = nightly()
        boss = boss_of(package)
        lifecycle.change_package(
            package, {"name": "Month end", "on_error": "continue"}, actor=boss, now=TONIGHT
        )
        package = reloaded(package)
        assert (package.name, package.on_error, package.modified_by, package.modified_at) == (
            "Month end",
            OnError.CONTINUE,
            boss.user,
            TONIGHT,
        )
        assert {entry.owner_reference for entry in entries_of(package)} == {"Month end"}
        assert private_list(package).name == "Month end"

    def test_a_form_opened_before_somebody_elses_change_is_refused(self):
        package = nightly()
        opened = package.revision
        lifecycle.change_package(package, {"description": "first"}, actor=boss_of(package))
        for change in (
            lambda: lifecycle.change_package(
                package, {"description": "second"}, actor=boss_of(package), expected_revision=opened
            ),
            lambda: lifecycle.change_line(
                package.lines.first(), {"enabled": False}, actor=boss_of(package), expected_revision=opened
            ),
            lambda: lifecycle.add_recurrence(
                package, EVERY_DAY, actor=boss_of(package), expected_revision=opened
            ),
        ):
            with pytest.raises(PackageChangedMeanwhile, match="was changed since you opened it"):
                change()
        assert reloaded(package).description == "first"

    def test_a_copy_has_lines_recurrences_mode_and_list_but_no_log(self):
        package = active(with_recipients(nightly(on_error=OnError.FINISH)))
        run()
        copy = lifecycle.copy_package(package, actor=boss_of(package))
        assert (copy.name, copy.status, copy.on_error, copy.next_run_at) == (
            "Nightly (copy)",
            PackageStatus.ON_HOLD,
            OnError.FINISH,
            None,
        )
        assert [(str(line.entry), line.run_order) for line in copy.lines.all()] == [
            ("Import", 10),
            ("Calculate", 20),
            ("Post", 30),
            ("Report", 40),
        ]
        assert not set(entries_of(copy)) & set(entries_of(package))
        assert {(entry.owner_kind, entry.owner_reference) for entry in entries_of(copy)} == {
            ("package", "Nightly (copy)")
        }
        assert copy.recurrences.get().starting_time == time(22, 0)
        assert private_list(copy).lines.count() == 5
        assert not Run.objects.filter(package_uuid=copy.uuid).exists()
        assert lifecycle.copy_package(package, actor=boss_of(package)).name == "Nightly (copy 2)"

    def test_deleting_takes_everything_but_the_log_along(self):
        package = with_recipients(nightly())
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        run()
        lifecycle.delete_package(package, actor=boss_of(package))
        assert not Package.objects.exists()
        assert not PackageLine.objects.exists()
        assert not Recurrence.objects.exists()
        assert not Entry.objects.filter(owner_kind="package").exists()
        assert not NotificationLine.objects.exists()
        kept = Run.objects.get()
        assert (kept.package, kept.package_name, kept.lines.count()) == (None, "Nightly", 4)
        assert len(list(kept.lines.first().log_entries())) == 1
        with pytest.raises(NotFound, match="was deleted"):
            lifecycle.resume(kept, actor=actor_of(make_superuser()))

    def test_shared_lists_are_referred_to_not_owned(self):
        package = nightly()
        shared = NotificationList.objects.create(company=package.company, name="On call")
        foreign = NotificationList.objects.create(company=make_company(), name="Others")
        set_shared_lists(package, [shared.pk], actor=boss_of(package))
        assert lists_of(package) == (private_list(package), shared)
        for wrong in (foreign, private_list(make_package("Second"))):
            with pytest.raises(Refused, match="only to shared notification lists of its own company"):
                set_shared_lists(package, [wrong], actor=boss_of(package))
        lifecycle.delete_package(package, actor=boss_of(package))
        assert NotificationList.objects.filter(pk=shared.pk).exists()


class TestLines:
    def test_a_new_line_is_offered_the_highest_run_order_and_ten(self):
        package = make_package()
        assert [add_line(package, "A").run_order, add_line(package, "B", 35).run_order] == [10, 35]
        assert add_line(package, "C").run_order == 45

    def test_its_entry_belongs_to_the_package_and_rests_on_hold(self):
        entry = add_line(make_package(), "Import", max_attempts=3).entry
        assert (
            entry.status,
            entry.hold_kind,
            entry.owner_kind,
            entry.owner_reference,
            entry.max_attempts,
        ) == (
            Status.ON_HOLD,
            HoldKind.OWNER,
            "package",
            "Nightly",
            3,
        )
        assert EntryChange.objects.filter(entry_id=entry.id, action="create").exists()

    def test_schedule_fields_of_the_entry_are_ignored(self):
        entry = add_line(
            make_package(), "Import", run_on_mondays=True, minutes_between_runs=15, earliest_start_at=TONIGHT
        ).entry
        assert (entry.recurring, entry.minutes_between_runs, entry.earliest_start_at) == (False, 0, None)

    def test_an_existing_entry_is_copied_and_left_alone(self):
        package = make_package()
        original = make_recurring_entry(
            description="Rates", parameter_string="EUR", status=Status.READY, starting_time=time(8, 0)
        )
        line = lifecycle.add_line_from_entry(package, original, actor=boss_of(package))
        copy, before = line.entry, Entry.objects.get(pk=original.pk)
        assert (copy.description, copy.parameter_string, copy.recurring, copy.starting_time) == (
            "Rates",
            "EUR",
            False,
            None,
        )
        assert (before.status, before.recurring, before.owner_kind, before.revision) == (
            Status.READY,
            True,
            "",
            0,
        )

    def test_an_entry_of_another_company_is_refused(self):
        package = make_package()
        foreign = make_entry(company=make_company())
        with pytest.raises(Invalid, match="belongs to another company") as refusal:
            lifecycle.add_line_from_entry(package, foreign, actor=boss_of(package))
        assert problems_of(refusal) == [("entry", "other_company")]
        assert not package.lines.exists()

    @pytest.mark.parametrize("order", [0, -10, "first", 2**31, 1.5])
    def test_a_run_order_is_a_whole_number_of_one_or_more(self, order):
        package = make_package()
        with pytest.raises(Invalid) as refusal:
            add_line(package, "Import", order)
        assert problems_of(refusal) == [("run_order", "invalid")]
        assert not Entry.objects.exists()

    def test_problems_of_line_and_entry_come_together(self):
        package = make_package()
        with pytest.raises(Invalid) as refusal:
            add_line(package, "Import", 0, object_id=77_777, max_attempts=11)
        assert {field for field, _ in problems_of(refusal)} == {"run_order", "object_id", "max_attempts"}

    def test_lines_and_their_entries_are_changed_and_removed(self):
        package = nightly()
        line = package.lines.get(run_order=20)
        boss = boss_of(package)
        line = lifecycle.change_line(
            line, {"run_order": 25, "on_error": "continue", "always": True}, actor=boss
        )
        assert (line.run_order, line.on_error, line.always) == (25, OnError.CONTINUE, True)
        line = lifecycle.change_line_entry(
            line, {"description": "Sum up", "starting_time": "08:00"}, actor=boss
        )
        assert (line.entry.description, line.entry.starting_time) == ("Sum up", None)
        entry_id = line.entry.id
        lifecycle.remove_line(line, actor=boss)
        assert not Entry.objects.filter(id=entry_id).exists()
        with pytest.raises(NotFound, match="somebody removed it"):
            lifecycle.change_line(line, {"enabled": False}, actor=boss)

    def test_dragging_numbers_the_lines_anew(self):
        package = nightly()
        lines = list(package.lines.order_by("-run_order"))
        lifecycle.reorder_lines(package, [line.pk for line in lines], actor=boss_of(package))
        found = [(str(line.entry), line.run_order) for line in package.lines.all()]
        assert found == [("Report", 10), ("Post", 20), ("Calculate", 30), ("Import", 40)]
        with pytest.raises(Refused, match="have changed since you opened them"):
            lifecycle.reorder_lines(package, [lines[0].pk], actor=boss_of(package))

    def test_whoever_changes_what_reaches_a_job_becomes_its_identity(self):
        named = make_superuser()
        package = nightly(run_as_user=named)
        editor = make_user(groups=["Scheduler"])
        line = package.lines.first()
        lifecycle.change_line_entry(line, {"max_attempts": 2}, actor=actor_of(editor))
        assert reloaded(package).run_as_user == named
        lifecycle.change_line_entry(line, {"parameter_string": "x"}, actor=actor_of(editor))
        package = reloaded(package)
        assert (package.run_as_user, package.identity) == (None, editor)

    def test_a_changed_job_does_not_run_as_somebody_else_once_run_as_user_is_empty_again(self):
        boss = make_superuser()
        package = lifecycle.set_active(nightly(), actor=actor_of(boss), now=FRIDAY_NOON)
        lifecycle.set_on_hold(package, actor=actor_of(boss), now=FRIDAY_NOON)
        editor = actor_of(make_user(groups=["Scheduler"]))
        lifecycle.change_package(package, {"run_as_user": editor.user}, actor=editor)
        lifecycle.change_line_entry(package.lines.first(), {"parameter_string": "x"}, actor=editor)
        lifecycle.change_package(package, {"run_as_user": None}, actor=editor)
        lifecycle.run_now(package, actor=actor_of(boss), now=TONIGHT)
        assert last_run(package).identity == editor.user

    def test_who_may_set_up_packages_empties_run_as_user_and_keeps_the_identity(self):
        boss = make_superuser()
        package = lifecycle.set_active(nightly(run_as_user=boss), actor=actor_of(boss), now=FRIDAY_NOON)
        lifecycle.set_on_hold(package, actor=actor_of(boss), now=FRIDAY_NOON)
        admin = make_user(groups=["Administrator"])
        lifecycle.change_package(package, {"run_as_user": None}, actor=actor_of(admin))
        assert (reloaded(package).run_as_user, reloaded(package).identity) == (None, boss)

    def test_who_may_name_others_keeps_the_identity(self):
        named = make_superuser()
        package = nightly(run_as_user=named)
        admin = make_user(groups=["Administrator"])
        lifecycle.change_line_entry(package.lines.first(), {"parameter_string": "x"}, actor=actor_of(admin))
        assert reloaded(package).run_as_user == named


class TestRecurrences:
    @pytest.mark.parametrize(
        ("values", "found"),
        [
            ({}, ("run_on_mondays", "no_weekday")),
            ({"run_on_mondays": True, "ending_time": "10:00"}, ("ending_time", "ending_without_minutes")),
            (
                {
                    "run_on_mondays": True,
                    "starting_time": "10:00",
                    "ending_time": "10:00",
                    "minutes_between_runs": 5,
                },
                ("ending_time", "ending_equals_starting"),
            ),
            (
                {"run_on_mondays": True, "next_run_date_formula": "CM"},
                ("next_run_date_formula", "formula_excludes_weekdays"),
            ),
            ({"next_run_date_formula": "soon"}, ("next_run_date_formula", "formula_syntax")),
            ({"run_on_mondays": True, "starting_time": "25:00"}, ("starting_time", "invalid")),
            ({"run_on_mondays": True, "minutes_between_runs": -5}, ("minutes_between_runs", "invalid")),
            (
                {"run_on_mondays": True, "valid_from": "2026-12-02", "valid_to": "2026-12-01"},
                ("valid_to", "never_valid"),
            ),
        ],
    )
    def test_bad_input_is_refused(self, values, found):
        package = make_package()
        with pytest.raises(Invalid) as refusal:
            lifecycle.add_recurrence(package, values, actor=boss_of(package))
        assert problems_of(refusal) == [found]
        assert not package.recurrences.exists()

    def test_weekdays_and_formula_empty_each_other(self):
        package = make_package()
        boss = boss_of(package)
        found = lifecycle.add_recurrence(package, {"run_on_mondays": True}, actor=boss)
        found = lifecycle.change_recurrence(found, {"next_run_date_formula": "cm"}, actor=boss)
        assert (found.next_run_date_formula, found.weekdays) == ("CM", frozenset())
        found = lifecycle.change_recurrence(found, {"run_on_tuesdays": True}, actor=boss)
        assert (found.next_run_date_formula, found.weekdays) == ("", frozenset({2}))
        lifecycle.remove_recurrence(found, actor=boss)
        assert not package.recurrences.exists()


def line_of(package) -> PackageLine:
    return package.lines.first()


CHANGES = {
    "change_package": lambda package, actor: lifecycle.change_package(
        package, {"description": "New"}, actor=actor
    ),
    "delete_package": lambda package, actor: lifecycle.delete_package(package, actor=actor),
    "add_line": lambda package, actor: lifecycle.add_line(package, {"object_id": jobs.SUCCESS}, actor=actor),
    "add_line_from_entry": lambda package, actor: lifecycle.add_line_from_entry(
        package, make_entry(), actor=actor
    ),
    "change_line": lambda package, actor: lifecycle.change_line(
        line_of(package), {"enabled": False}, actor=actor
    ),
    "change_line_entry": lambda package, actor: lifecycle.change_line_entry(
        line_of(package), {"description": "New"}, actor=actor
    ),
    "remove_line": lambda package, actor: lifecycle.remove_line(line_of(package), actor=actor),
    "reorder_lines": lambda package, actor: lifecycle.reorder_lines(
        package, [line.pk for line in package.lines.order_by("-run_order")], actor=actor
    ),
    "add_recurrence": lambda package, actor: lifecycle.add_recurrence(package, EVERY_DAY, actor=actor),
    "change_recurrence": lambda package, actor: lifecycle.change_recurrence(
        package.recurrences.first(), {"enabled": False}, actor=actor
    ),
    "remove_recurrence": lambda package, actor: lifecycle.remove_recurrence(
        package.recurrences.first(), actor=actor
    ),
    "set_shared_lists": lambda package, actor: set_shared_lists(package, [], actor=actor),
}


class TestLock:
    @pytest.mark.parametrize("verb", CHANGES)
    def test_nothing_changes_while_active(self, verb):
        package = active(nightly())
        before = facts(package)
        with pytest.raises(PackageLocked, match=r"is Active.*Set it On Hold first"):
            CHANGES[verb](package, boss_of(package))
        assert facts(package) == before

    @pytest.mark.parametrize("verb", CHANGES)
    @pytest.mark.parametrize("status", [PackageStatus.ON_HOLD, PackageStatus.ERROR, PackageStatus.FINISHED])
    def test_nothing_changes_while_a_run_is_open(self, verb, status):
        package = nightly()
        Package.objects.filter(pk=package.pk).update(status=status)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        before = facts(package)
        with pytest.raises(PackageLocked, match="open"):
            CHANGES[verb](package, boss_of(package))
        assert facts(package) == before

    @pytest.mark.parametrize("verb", CHANGES)
    @pytest.mark.parametrize("status", [PackageStatus.ON_HOLD, PackageStatus.ERROR, PackageStatus.FINISHED])
    def test_at_rest_everything_may_be_changed(self, verb, status):
        package = nightly()
        Package.objects.filter(pk=package.pk).update(status=status)
        CHANGES[verb](package, boss_of(package))
        if verb != "delete_package":
            assert reloaded(package).revision > package.revision

    @pytest.mark.parametrize(
        "door",
        [
            lambda entry, actor: entry_verbs.change_entry(entry, {"description": "New"}, actor=actor),
            lambda entry, actor: entry_verbs.set_ready(entry, actor=actor),
            lambda entry, actor: entry_verbs.restart(entry, actor=actor),
            lambda entry, actor: entry_verbs.set_on_hold(entry, actor=actor),
            lambda entry, actor: entry_verbs.run_now(entry, actor=actor),
            lambda entry, actor: entry_verbs.run_once(entry, actor=actor),
            lambda entry, actor: entry_verbs.delete_entry(entry, actor=actor),
        ],
    )
    def test_the_entrys_own_doors_are_closed_and_name_the_package(self, door):
        package = nightly()
        with pytest.raises(Refused, match="“Nightly”") as refusal:
            door(entries_of(package)[0], boss_of(package))
        assert refusal.value.code == "owned"

    def test_copying_and_looking_is_always_allowed(self):
        package = active(nightly())
        assert lifecycle.copy_package(package, actor=boss_of(package)).lines.count() == 4


def facts(package):
    """Everything people can change, to compare."""
    return (
        list(Package.objects.filter(pk=package.pk).values("name", "description", "on_error", "revision")),
        list(PackageLine.objects.filter(package=package).values("pk", "run_order", "enabled").order_by("pk")),
        list(Entry.objects.filter(package_line__package=package).values("pk", "description").order_by("pk")),
        list(Recurrence.objects.filter(package=package).values("pk", "enabled")),
    )


class TestStates:
    """State × verb, without a run open."""

    @pytest.mark.parametrize("status", PackageStatus)
    def test_set_active(self, status):
        package = nightly()
        if status == PackageStatus.ACTIVE:
            active(package)
            before = reloaded(package).next_run_at
            with pytest.raises(Refused, match="already Active") as refusal:
                active(package, now=TONIGHT)
            assert refusal.value.code == "already_active"
            assert reloaded(package).next_run_at == before
            return
        Package.objects.filter(pk=package.pk).update(status=status)
        package = active(package)
        assert (package.status, package.next_run_at) == (PackageStatus.ACTIVE, TONIGHT)
        change = StatusChange.objects.first()
        assert (change.from_status, change.to_status, change.user) == (status, "active", package.created_by)

    @pytest.mark.parametrize("status", PackageStatus)
    def test_set_on_hold(self, status):
        package = nightly()
        boss = boss_of(package)
        if status == PackageStatus.ACTIVE:
            active(package)
        Package.objects.filter(pk=package.pk).update(status=status)
        if status == PackageStatus.ON_HOLD:
            with pytest.raises(Refused, match="already On Hold") as refusal:
                lifecycle.set_on_hold(package, actor=boss)
            assert refusal.value.code == "already_on_hold"
            return
        package = lifecycle.set_on_hold(package, actor=boss, reason="stock-taking", now=TONIGHT)
        package = reloaded(package)
        assert (package.status, package.next_run_at, package.held_by, package.hold_reason) == (
            PackageStatus.ON_HOLD,
            None,
            boss.user,
            "stock-taking",
        )
        change = StatusChange.objects.first()
        assert (change.from_status, change.to_status, change.reason) == (status, "on_hold", "stock-taking")


class TestGuards:
    def codes(self, package, **named):
        with pytest.raises(CannotStart) as refusal:
            lifecycle.set_active(package, actor=named.get("actor") or boss_of(package), now=FRIDAY_NOON)
        assert reloaded(package).status == PackageStatus.ON_HOLD
        return [(finding.line, finding.code) for finding in refusal.value.findings]

    def test_an_empty_package_reports_lines_and_schedule_together(self):
        assert self.codes(make_package()) == [(None, "no_enabled_line"), (None, "never_runs")]

    def test_only_disabled_lines_and_recurrences_are_none(self):
        package = nightly(lines=[("Import", 10)])
        lifecycle.change_line(package.lines.get(), {"enabled": False}, actor=boss_of(package))
        recurrence = package.recurrences.get()
        lifecycle.change_recurrence(recurrence, {"enabled": False}, actor=boss_of(package))
        assert self.codes(package) == [(None, "no_enabled_line"), (None, "never_runs")]

    def test_everything_is_reported_by_line(self):
        package = nightly(lines=[("Import", 10), ("Post", 10), ("Report", 20)])
        last = package.lines.get(run_order=20)
        Entry.objects.filter(pk=last.entry_id).update(object_id=77_777)
        assert self.codes(package) == [
            (10, "run_order_twice"),
            (10, "run_order_twice"),
            (20, "unknown_object"),
        ]

    def test_equal_orders_pass_with_the_option_or_if_one_is_disabled(self):
        package = nightly(lines=[("Import", 10), ("Post", 10)], run_equal_orders_together=True)
        assert active(package).is_active
        package = nightly(lines=[("Import", 10), ("Post", 10)], name="Second")
        lifecycle.change_line(package.lines.first(), {"enabled": False}, actor=boss_of(package))
        assert active(package).is_active

    def test_nothing_would_ever_run(self):
        package = make_package()
        add_line(package, "Import")
        add_daily(package, valid_to="2026-11-01")
        with pytest.raises(CannotStart, match="Add a recurrence, or use Run Now"):
            active(package)
        assert lifecycle.run_now(package, actor=boss_of(package)).is_open

    def test_the_actor_must_be_allowed_to_run_every_job(self):
        package = nightly(lines=[("Import", 10)])
        add_line(package, "Books", 20, object_id=jobs.PROTECTED)
        operator = make_user(groups=["Operator"])
        assert self.codes(package, actor=actor_of(operator)) == [
            (20, "identity_forbidden"),
            (20, "actor_forbidden"),
        ]
        with pytest.raises(CannotStart):
            lifecycle.run_now(package, actor=actor_of(operator))

    def test_the_identity_must_be_allowed_too(self):
        named = make_user(groups=["Scheduler"])
        package = nightly(lines=[("Import", 10)], run_as_user=named)
        add_line(package, "Books", 20, object_id=jobs.PROTECTED)
        assert self.codes(package) == [(20, "identity_forbidden")]
        type(named).objects.filter(pk=named.pk).update(is_active=False)
        assert self.codes(package) == [(None, "identity_disabled")]

    def test_warnings_do_not_block(self):
        package = nightly()
        assert [finding.code for finding in warnings(package)] == ["nobody_listed", *["same_job"] * 4]
        with_recipients(package, [("bob", "package_success")])
        assert warnings(package)[0].code == "no_failure_line"
        with_recipients(package, [("ann", "package_error")])
        assert {finding.code for finding in warnings(package)} == {"same_job"}
        assert active(package).is_active


class TestPermissions:
    @pytest.mark.parametrize("verb", CHANGES)
    def test_maintaining_needs_the_right_to(self, verb):
        package = nightly()
        with pytest.raises(NotAllowed, match="“Scheduler” grants it"):
            CHANGES[verb](package, actor_of(make_user(groups=["Operator"])))

    def test_maintain_does_not_include_operate(self):
        package = nightly()
        rights = ("view_package", "add_package", "change_package", "delete_package")
        maintainer = actor_of(make_user(permissions=[f"packages.{right}" for right in rights]))
        lifecycle.change_package(package, {"description": "New"}, actor=maintainer)
        lifecycle.add_line(package, {"object_id": jobs.SUCCESS}, actor=maintainer)
        for verb in (lifecycle.set_active, lifecycle.set_on_hold, lifecycle.run_now):
            with pytest.raises(NotAllowed, match="may not operate job queue packages"):
                verb(package, actor=maintainer)

    def test_operating_does_not_include_maintaining(self):
        package = nightly()
        operator = actor_of(make_user(groups=["Operator"]))
        assert lifecycle.set_active(package, actor=operator, now=FRIDAY_NOON).is_active
        with pytest.raises(NotAllowed):
            lifecycle.copy_package(package, actor=operator)

    def test_naming_somebody_else_needs_setup(self):
        package = nightly()
        scheduler = make_user(groups=["Scheduler"])
        with pytest.raises(NotAllowed, match="Naming somebody else needs the right to set up packages"):
            lifecycle.change_package(package, {"run_as_user": make_superuser()}, actor=actor_of(scheduler))
        lifecycle.change_package(package, {"run_as_user": scheduler}, actor=actor_of(scheduler))
        admin = make_user(groups=["Administrator"])
        lifecycle.change_package(
            package, {"run_as_user": make_superuser("x").username}, actor=actor_of(admin)
        )
        assert reloaded(package).run_as_user.username == "x"

    def test_another_company_is_closed(self):
        package = nightly()
        outsider = make_user(groups=["Administrator"])
        make_company(members=[outsider])
        for verb in (lifecycle.set_active, lifecycle.copy_package, lifecycle.delete_package):
            with pytest.raises(NotAllowed, match="may not work in the company"):
                verb(package, actor=actor_of(outsider))


def test_a_category_used_by_a_line_is_not_deleted_and_the_package_is_named():
    category = make_category("BANK")
    nightly(entry_values={20: {"category_code": "BANK"}})
    with pytest.raises(Refused, match="“Nightly”"):
        entry_verbs.delete_category(category, actor=actor_of(make_superuser()))


def test_secret_parameters_are_masked_in_the_log():
    package = make_package()
    add_line(package, "Order", object_id=jobs.TYPED, parameters={"customer": "C1"})
    lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
    assert last_run(package).lines.get().parameters == {"customer": "C1"}
    secrets = {"customer": "C1", "login": [{"password": "x"}]}
    assert masked(secrets) == {"customer": "C1", "login": [{"password": "•••"}]}


@dataclass(frozen=True)
class SignIn:
    password: str
    host: str = "localhost"


def test_secret_parameters_that_come_back_as_they_were_shown_stay():
    with registry.isolated(empty=False):
        codeunit(91000, "Sign in", parameters=SignIn)(lambda run: None)
        line = add_line(make_package(), "Fetch", object_id=91000, parameters={"password": "x"})
        shown = masked({"password": "x", "host": "elsewhere"})
        lifecycle.change_line_entry(line, {"parameters": shown}, actor=boss_of(line.package))
    assert Entry.objects.get(pk=line.entry_id).parameters == {"password": "x", "host": "elsewhere"}
    sent = {"password": "new", "logins": [{"name": "a", "token": "•••"}, {"token": "•••"}], "rows": "•••"}
    assert unmasked(sent, stored={"password": "x", "logins": [{"name": "b", "token": "y"}], "rows": 5}) == {
        "password": "new",
        "logins": [{"name": "a", "token": "y"}, {"token": "•••"}],
        "rows": "•••",
    }


def test_the_log_keeps_the_name_the_package_had():
    package = nightly()
    lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
    run()
    lifecycle.change_package(package, {"name": "Month end"}, actor=boss_of(package))
    assert last_run(package).package_name == "Nightly"

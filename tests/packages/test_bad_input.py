"""The bad input of the task, on every door: the same clear sentence, and nothing is half-done."""

import pytest

from notifications.models import NotificationLine
from packages import lifecycle
from packages.lists import private_list
from packages.models import Package
from packages.states import PackageStatus
from tests import builders
from tests.api.conftest import calling, company, fresh_counts
from tests.packages.admin.conftest import signed_in
from tests.packages.admin.forms import lines_form
from tests.packages.building import active, add_daily, add_line, boss_of, make_package, nightly, reloaded
from tests.packages.test_locked_doors import (
    NEW_RECIPIENT,
    job_queues,
    list_card,
    of,
    of_list,
    world_of,
)

pytestmark = pytest.mark.django_db
__all__ = ["calling", "company", "fresh_counts", "signed_in", "world_of"]


def twice() -> Package:
    package = nightly()
    package.lines.filter(run_order=20).update(run_order=10)
    return package


def without_recurrence() -> Package:
    package = make_package()
    add_line(package, "Import", 10)
    return package


def over() -> Package:
    package = without_recurrence()
    add_daily(package, valid_to="2020-01-01")
    return package


def only_disabled() -> Package:
    package = nightly()
    package.lines.update(enabled=False)
    return package


def already_active() -> Package:
    return active(nightly())


ACTIVATIONS = {
    "run orders twice": (twice, "the run order 10 is given twice. Give each line its own, or turn on"),
    "no recurrence": (without_recurrence, "Nothing would ever run. Add a recurrence, or use Run Now."),
    "nothing would ever run": (over, "Nothing would ever run. Add a recurrence, or use Run Now."),
    "no enabled line": (
        only_disabled,
        "No line is enabled. Add a job with Set Job Queues, or enable a line.",
    ),
    "active already": (already_active, "“Nightly” is already Active."),
}

SETTING_ACTIVE = {
    "admin": lambda w: w.post(f"packages/package/{w.package.pk}/set-active/", {"_confirmed": "1"}),
    "admin, several": lambda w: w.post(
        "packages/package/",
        {"action": "set-active", "_selected_action": str(w.package.pk), "_confirmed": "1"},
    ),
    "api": lambda w: w.call("post", of(w, "set-active/"), {}),
    "api, several": lambda w: w.call("post", "packages/set-active/", {"packages": [str(w.package.uuid)]}),
    "command": lambda w: w.command("packages", "set-active", "Nightly"),
}


@pytest.mark.parametrize("door", SETTING_ACTIVE)
@pytest.mark.parametrize("case", ACTIVATIONS)
def test_what_cannot_be_activated_says_why_on_every_door(world_of, case, door):
    make, sentence = ACTIVATIONS[case]
    world = world_of(make())
    before = Package.objects.filter(pk=world.package.pk).values().get()
    SETTING_ACTIVE[door](world)
    assert any(sentence in answer for answer in world.answers), world.answers
    assert Package.objects.filter(pk=world.package.pk).values().get() == before


FOREIGN = {
    "admin": lambda w, entry: w.post(job_queues(w), lines_form(w.package, existing=entry.pk, _existing="")),
    "api": lambda w, entry: w.call("post", of(w, "lines/"), {"copy_of": str(entry.id)}),
    "command": lambda w, entry: w.command("packages", "add-line", "Nightly", "--entry", str(entry.pk)),
}


@pytest.mark.parametrize("door", FOREIGN)
def test_entries_of_another_company_are_not_taken(world_of, door):
    world = world_of(make_package())
    FOREIGN[door](world, builders.make_entry(company=builders.make_company("other")))
    assert not world.package.lines.exists()
    assert any(answer for answer in world.answers)


ADDRESSES = ("nobody", "a@b@c.example.com", "ann@example.com, bob@example.com", "ann@", "ann @example.com")
ADDING = {
    "admin": lambda w, text: list_card(w, NEW_RECIPIENT | {"address": text}),
    "api": lambda w, text: w.call(
        "post", of_list(w, "lines/"), {"address": text, "scenario": "package_error"}
    ),
    "command": lambda w, text: w.command(
        "notifications",
        *("add-line", str(w.list.pk), "--set", f"address={text}", "--set", "scenario=package_error"),
    ),
}


@pytest.mark.parametrize("text", ADDRESSES)
@pytest.mark.parametrize("door", ADDING)
def test_an_address_that_is_none_is_named_and_adds_nobody(world_of, door, text):
    world = world_of(make_package())
    ADDING[door](world, text)
    assert not NotificationLine.objects.exists()
    assert any("address" in answer for answer in world.answers), world.answers


@pytest.mark.parametrize("door", ADDING)
def test_a_valid_one_is_taken_once(world_of, door):
    world = world_of(make_package())
    ADDING[door](world, "ann@example.com")
    assert [one.address for one in private_list(world.package).lines.all()] == ["ann@example.com"]
    if door == "admin":
        return
    ADDING[door](world, "ANN@example.com")
    assert NotificationLine.objects.count() == 1


def test_equal_run_orders_may_be_typed_and_are_refused_at_activation_only_without_the_option():
    package = twice()
    lifecycle.change_package(package, {"run_equal_orders_together": True}, actor=boss_of(package))
    assert active(reloaded(package)).status == PackageStatus.ACTIVE

"""Every way in, with a change that works at rest: while the package is Active, or a run is open, it changes nothing.

Source: *Packages reference, Locked while Active*. Each door is first shown to be one: at rest the same request changes
something.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from jobqueue.models import Entry
from notifications.models import NotificationLine, NotificationList
from packages import lifecycle
from packages.lists import private_list
from packages.models import Package, PackageLine, Recurrence
from tests import builders
from tests.admin.conftest import address, said
from tests.api.conftest import calling, company, fresh_counts
from tests.notifications.admin.test_lists import as_sent, posted
from tests.packages.admin.conftest import signed_in
from tests.packages.admin.forms import card_form, line_form, lines_form, recurrence
from tests.packages.admin.test_owned_entries import values_of
from tests.packages.building import (
    TONIGHT,
    active,
    boss_of,
    entries_of,
    nightly,
    reloaded,
    with_recipients,
)

pytestmark = pytest.mark.django_db
__all__ = ["calling", "company", "fresh_counts", "signed_in"]

API = "/api/v1/companies/main/"
LIVE = {"status", "next_run_at", "task_id", "activated_by_id", "activated_at", "identity_id", "modified_at"}
LIVE |= {"modified_by_id", "revision", "system_task_id", "last_ready_state_at", "earliest_start_at", "due_at"}
LIVE |= {"hold_kind", "held_at", "held_by_id", "user_id"}


@dataclass
class World:
    """A package with everything that belongs to it, and callers of each kind."""

    package: Package
    admin: Client
    api: APIClient
    answers: list[str] = field(default_factory=list)

    @property
    def line(self) -> PackageLine:
        return self.package.lines.first()

    @property
    def entry(self) -> Entry:
        return entries_of(self.package)[0]

    @property
    def recurrence(self) -> Recurrence:
        return self.package.recurrences.first()

    @property
    def list(self) -> NotificationList:
        return private_list(self.package)

    @property
    def recipient(self) -> NotificationLine:
        return self.list.lines.first()

    def post(self, page: str, data: dict[str, Any]) -> None:
        response = self.admin.post(address(page), data)
        assert response.status_code in (200, 302, 403, 422), (page, response.status_code)
        self.answers += [said(response), response.content.decode()]

    def call(self, method: str, path: str, body: Any = None) -> None:
        response = getattr(self.api, method)(
            path if path.startswith("/api") else API + path, body, format="json"
        )
        assert response.status_code < 500, (path, response.content)
        self.answers.append(response.content.decode())

    def command(self, *words: str) -> None:
        out, error = io.StringIO(), io.StringIO()
        status = 0
        try:
            call_command(*words, "--as", "boss", stdout=out, stderr=error)
        except SystemExit as end:
            status = end.code
        assert (status == 1) == bool(error.getvalue()), words
        self.answers.append(out.getvalue() + error.getvalue())

    def facts(self) -> Sequence[Any]:
        """Everything people can change of the package, whatever runs meanwhile does."""
        package = self.package
        rows = [
            Package.objects.filter(pk=package.pk),
            PackageLine.objects.filter(package=package).order_by("pk"),
            Recurrence.objects.filter(package=package).order_by("pk"),
            Entry.objects.filter(owner_kind="package", owner_reference=package.name).order_by("pk"),
            NotificationList.objects.filter(owner_reference=str(package.uuid)),
            NotificationLine.objects.filter(list__owner_reference=str(package.uuid)).order_by("pk"),
            package.notification_lists.order_by("pk"),
        ]
        return [
            {name: value for name, value in row.items() if name not in LIVE}
            for queryset in rows
            for row in queryset.values()
        ]


Door = Callable[[World], None]


def of(world: World, rest: str = "") -> str:
    return f"packages/{world.package.uuid}/{rest}"


def of_list(world: World, rest: str = "") -> str:
    return f"notification-lists/{world.list.pk}/{rest}"


def v2(world: World) -> str:
    entry = world.entry
    return f"/api/v2.0/companies({entry.company_id})/jobQueueEntries({entry.id})"


def card(world: World) -> str:
    return f"packages/package/{world.package.pk}/change/"


def job_queues(world: World) -> str:
    return f"packages/package/{world.package.pk}/set-job-queues/"


def own_lines(world: World, **changed: Any) -> list[dict[str, str]]:
    lines = list(world.package.lines.select_related("entry"))
    found = []
    for number, line in enumerate(lines):
        values = {"line_id": line.pk, "run_order": line.run_order, "description": line.entry.description}
        found.append(line_form(number, **values | (changed if number == 0 else {})))
    return found


def list_card(world: World, *lines: dict[str, Any], **fields: Any) -> None:
    kept = lines or (as_sent(world.recipient),)
    data = posted(world.list, *kept, **fields)
    world.post(f"notifications/notificationlist/{world.list.pk}/change/", data)


NEW_RECIPIENT = {
    "recipient": "address",
    "address": "zoe@example.com",
    "scenario": "package_error",
    "repeat_minutes": 0,
}

DOORS: dict[str, Door] = {
    "admin: field of the card": lambda w: w.post(card(w), card_form(w.package, description="forged")),
    "admin: on error": lambda w: w.post(card(w), card_form(w.package, on_error="continue")),
    "admin: recurrence on the card": lambda w: w.post(
        card(w), card_form(w.package) | recurrence(0, id=w.recurrence.pk, days=[1], at="03:00")
    ),
    "admin: recurrence removed": lambda w: w.post(
        card(w), card_form(w.package, **{"recurrence-0-DELETE": "on"})
    ),
    "admin: run order on the card": lambda w: w.post(
        card(w), card_form(w.package, **{"line-0-run_order": 99})
    ),
    "admin: enabled on the card": lambda w: w.post(card(w), card_form(w.package, **{"line-0-enabled": None})),
    "admin: action of the bar with changes": lambda w: w.post(
        card(w), card_form(w.package, description="forged", _then="copy")
    ),
    "admin: Set Job Queues": lambda w: w.post(
        job_queues(w), lines_form(w.package, *own_lines(w, description="forged"))
    ),
    "admin: line removed": lambda w: w.post(job_queues(w), lines_form(w.package, *own_lines(w, remove="on"))),
    "admin: new line": lambda w: w.post(
        job_queues(w), lines_form(w.package, *own_lines(w), line_form(len(own_lines(w)), run_order=99))
    ),
    "admin: add from existing": lambda w: w.post(
        job_queues(w),
        lines_form(w.package, *own_lines(w), existing=builders.make_entry().pk, _existing=""),
    ),
    "admin: card of the entry": lambda w: w.post(
        f"jobqueue/entry/{w.entry.pk}/change/", values_of(w.entry, description="forged")
    ),
    "admin: delete": lambda w: w.post(
        f"packages/package/{w.package.pk}/delete-package/", {"_confirmed": "1"}
    ),
    "admin: delete several": lambda w: w.post(
        "packages/package/",
        {"action": "delete-package", "_selected_action": str(w.package.pk), "_confirmed": "1"},
    ),
    "admin: recipient added": lambda w: list_card(w, as_sent(w.recipient), NEW_RECIPIENT),
    "admin: recipient changed": lambda w: list_card(w, as_sent(w.recipient, repeat_minutes="77")),
    "admin: recipient removed": lambda w: list_card(w, as_sent(w.recipient, DELETE="on")),
    "admin: list disabled": lambda w: list_card(w, is_enabled=""),
    "api: field": lambda w: w.call("patch", of(w), {"description": "forged"}),
    "api: shared lists": lambda w: w.call("patch", of(w), {"notification_lists": [shared_list().pk]}),
    "api: delete": lambda w: w.call("delete", of(w)),
    "api: line added": lambda w: w.call("post", of(w, "lines/"), {"entry": {"object_id": 90001}}),
    "api: line copied": lambda w: w.call("post", of(w, "lines/"), {"copy_of": str(builders.make_entry().id)}),
    "api: line": lambda w: w.call("patch", of(w, f"lines/{w.line.uuid}/"), {"run_order": 99}),
    "api: entry of a line": lambda w: w.call(
        "patch", of(w, f"lines/{w.line.uuid}/"), {"entry": {"description": "forged"}}
    ),
    "api: line removed": lambda w: w.call("delete", of(w, f"lines/{w.line.uuid}/")),
    "api: lines reordered": lambda w: w.call(
        "post", of(w, "lines/reorder/"), {"lines": [str(one.uuid) for one in reversed(w.package.lines.all())]}
    ),
    "api: recurrence added": lambda w: w.call("post", of(w, "recurrences/"), {"weekdays": [1]}),
    "api: recurrence": lambda w: w.call(
        "patch", of(w, f"recurrences/{w.recurrence.pk}/"), {"enabled": False}
    ),
    "api: recurrence removed": lambda w: w.call("delete", of(w, f"recurrences/{w.recurrence.pk}/")),
    "api: recipient added": lambda w: w.call(
        "post", of_list(w, "lines/"), {"address": "zoe@example.com", "scenario": "package_error"}
    ),
    "api: recipient changed": lambda w: w.call(
        "patch", of_list(w, f"lines/{w.recipient.pk}/"), {"repeat_minutes": 77}
    ),
    "api: recipient removed": lambda w: w.call("delete", of_list(w, f"lines/{w.recipient.pk}/")),
    "api: list disabled": lambda w: w.call("patch", of_list(w), {"is_enabled": False}),
    "command: change": lambda w: w.command("packages", "change", "Nightly", "--set", "description=forged"),
    "command: delete": lambda w: w.command("packages", "delete", "Nightly"),
    "command: add-line": lambda w: w.command("packages", "add-line", "Nightly", "--object", "90001"),
    "command: change-line": lambda w: w.command(
        "packages", "change-line", "Nightly", "10", "--set", "description=forged"
    ),
    "command: remove-line": lambda w: w.command("packages", "remove-line", "Nightly", "10"),
    "command: add-recurrence": lambda w: w.command(
        "packages", "add-recurrence", "Nightly", "--set", "weekdays=mon"
    ),
    "command: change-recurrence": lambda w: w.command(
        "packages", "change-recurrence", "Nightly", str(w.recurrence.pk), "--set", "enabled=false"
    ),
    "command: remove-recurrence": lambda w: w.command(
        "packages", "remove-recurrence", "Nightly", str(w.recurrence.pk)
    ),
    "command: recipient added": lambda w: w.command(
        "notifications",
        *("add-line", str(w.list.pk), "--set", "address=zoe@example.com", "--set", "scenario=package_error"),
    ),
    "command: recipient changed": lambda w: w.command(
        "notifications", "change-line", str(w.recipient.pk), "--set", "repeat_minutes=77"
    ),
    "command: recipient removed": lambda w: w.command("notifications", "remove-line", str(w.recipient.pk)),
}

NEVER: dict[str, Door] = {
    "api: entry": lambda w: w.call("patch", f"entries/{w.entry.id}/", {"description": "forged"}),
    "api: entry deleted": lambda w: w.call("delete", f"entries/{w.entry.id}/"),
    **{
        f"api: entry {verb}": lambda w, verb=verb: w.call("post", f"entries/{w.entry.id}/{verb}/", {})
        for verb in ("set-ready", "set-on-hold", "restart", "run-now", "run-once")
    },
    "api v2.0: entry": lambda w: w.call("patch", v2(w), {"description": "forged"}),
    "api v2.0: entry deleted": lambda w: w.call("delete", v2(w)),
    "api v2.0: restart": lambda w: w.call("post", f"{v2(w)}/Microsoft.NAV.restart"),
    "api: list deleted": lambda w: w.call("delete", of_list(w)),
    "api: link to a list": lambda w: w.call(
        "post", f"entries/{w.entry.id}/notification-lists/", {"list": shared_list().pk}
    ),
    "command: entry": lambda w: w.command(
        "jobqueue", "change", str(w.entry.pk), "--set", "description=forged"
    ),
    **{
        f"command: entry {verb}": lambda w, verb=verb: w.command("jobqueue", verb, str(w.entry.pk))
        for verb in ("set-ready", "set-on-hold", "restart", "run-now", "run-once", "delete")
    },
    "command: list deleted": lambda w: w.command("notifications", "delete", str(w.list.pk)),
    "admin: status forged on the card": lambda w: w.post(
        card(w), card_form(w.package, status="finished", next_run_at="2030-01-01", task_id="1")
    ),
    "admin: several entries": lambda w: [
        w.post(
            "jobqueue/entry/",
            {"action": verb, "_selected_action": str(w.entry.pk), "_confirmed": "1"},
        )
        for verb in ("set-ready", "set-on-hold", "restart", "delete-entry", "run-now")
    ],
}
"""What its package decides alone, at rest as well."""


def shared_list() -> NotificationList:
    return NotificationList.objects.get_or_create(company=builders.default_company(), name="On call")[0]


@pytest.fixture
def world_of(calling, signed_in) -> Callable[[Package], World]:
    """The world around a package."""

    def make(package: Package) -> World:
        user = builders.make_superuser("boss")
        return World(reloaded(package), signed_in(user=user), calling(user=user))

    return make


@pytest.fixture
def world(world_of) -> World:
    return world_of(with_recipients(nightly(), [("ann", "package_error")]))


@pytest.mark.parametrize("door", DOORS)
def test_at_rest_the_door_is_open(world, door):
    before = world.facts()
    DOORS[door](world)
    assert world.facts() != before, world.answers


@pytest.mark.parametrize("door", [*DOORS, *NEVER])
def test_while_active_it_is_shut_and_says_what_to_do(world, door):
    world.package = active(world.package)
    before = world.facts()
    {**DOORS, **NEVER}[door](world)
    assert world.facts() == before
    assert reloaded(world.package).is_active
    if door in DOORS:
        assert any("On Hold" in answer for answer in world.answers), world.answers


@pytest.mark.parametrize("door", DOORS)
def test_while_a_run_is_open_it_is_shut(world, door):
    lifecycle.run_now(world.package, actor=boss_of(world.package), now=TONIGHT)
    before = world.facts()
    DOORS[door](world)
    assert world.facts() == before
    assert any("open" in answer or "running" in answer for answer in world.answers), world.answers


@pytest.mark.parametrize("door", NEVER)
def test_what_its_package_decides_alone_is_shut_at_rest_too(world, door):
    before = world.facts()
    NEVER[door](world)
    assert world.facts() == before
    assert Entry.objects.get(pk=world.entry.pk).system_task_id is None

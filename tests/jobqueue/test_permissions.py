"""Levels, groups, companies, and who may run what."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from jobqueue import companies
from jobqueue.actors import SYSTEM
from jobqueue.errors import ForbiddenUser, NotAllowed, NotFound
from jobqueue.models import Company
from jobqueue.objects import registry
from jobqueue.permissions import may, may_act_as, may_run, require, require_may_run
from jobqueue.setup import SHIPPED_GROUPS, ensure_shipped_rows
from jobqueue.states import ObjectType, Origin
from tests.builders import actor_of, default_company, make_company, make_superuser, make_user

pytestmark = pytest.mark.django_db

LEVELS = ("view", "operate", "schedule", "administer")
GRANTED = {
    "Viewer": ("view",),
    "Operator": ("view", "operate"),
    "Scheduler": ("view", "operate", "schedule"),
    "Integrator": ("view", "operate", "schedule"),
    "Administrator": LEVELS,
    "Ext JQ Refresher": (),
}


@pytest.mark.parametrize("group", GRANTED)
def test_groups_grant_their_levels_and_no_more(group):
    actor = actor_of(make_user(groups=[group]))
    assert tuple(level for level in LEVELS if may(actor, level, default_company())) == GRANTED[group]


def test_a_refusal_names_the_group_that_helps():
    with pytest.raises(NotAllowed, match=r"“anna” may not operate job queue entries.*“Operator” grants it"):
        require(actor_of(make_user("anna")), "operate", default_company())


def test_a_disabled_user_may_nothing_not_even_as_superuser():
    with pytest.raises(NotAllowed, match="“anna” is disabled"):
        require(actor_of(make_superuser("anna", is_active=False)), "view", default_company())


def test_a_program_needs_the_company_but_no_level():
    user = make_user()
    home = make_company("home", members=[user])
    program = actor_of(user, origin=Origin.PROGRAM)
    assert may(program, "schedule", home)
    assert not may(program, "schedule", default_company())


def test_the_system_may_everything_and_an_api_without_a_user_nothing():
    assert may(SYSTEM, "administer", default_company())
    assert not may(actor_of(None, origin=Origin.API), "view", default_company())


class TestRunning:
    def protected(self):
        return registry.get(ObjectType.CODEUNIT, 90019)

    def test_the_objects_permission_decides(self):
        assert may_run(make_user(permissions=["auth.delete_group"]), self.protected())
        assert may_run(make_superuser(), self.protected())
        assert may_run(None, self.protected())
        with pytest.raises(
            ForbiddenUser, match=r"“anna” may not run “Close the books”.*“auth\.delete_group” is missing"
        ):
            require_may_run(make_user("anna"), self.protected())

    def test_an_object_without_permission_is_for_everybody_who_is_active(self):
        free = registry.get(ObjectType.CODEUNIT, 90001)
        assert may_run(make_user(), free)
        with pytest.raises(ForbiddenUser, match="is disabled"):
            require_may_run(make_user(is_active=False), free)

    def test_acting_as_somebody_is_for_oneself_and_superusers(self):
        anna, bert = make_user(), make_user()
        assert may_act_as(anna, anna)
        assert not may_act_as(anna, bert)
        assert not may_act_as(anna, None)
        assert may_act_as(make_superuser(), bert)


class TestCompanies:
    def test_a_user_listed_nowhere_works_everywhere(self):
        make_company("one")
        assert companies.visible_to(make_user()).count() == Company.objects.count()

    def test_a_listed_user_works_only_there(self):
        guest = make_user()
        one = make_company("one", members=[guest])
        assert list(companies.visible_to(guest)) == [one]
        assert companies.start_company(guest) == one
        with pytest.raises(NotFound, match="no company “main” you may work in"):
            companies.get("main", guest)

    def test_the_users_of_a_company_are_those_who_may_enter_it(self):
        boss, anyone, guest, stranger, both = (make_user(is_superuser=number == 0) for number in range(5))
        one, other = (
            make_company("one", members=[guest, both]),
            make_company("other", members=[stranger, both]),
        )
        for company in (one, other):
            expected = {
                user for user in (boss, anyone, guest, stranger, both) if companies.may_enter(user, company)
            }
            assert set(companies.users_of(company)) == expected
        assert stranger not in companies.users_of(one)

    def test_everybody_starts_in_the_default_company(self):
        make_company("aaa")
        assert companies.start_company(make_user()) == companies.default() == default_company()


class TestShippedRows:
    def run(self):
        ensure_shipped_rows(apps.get_app_config("jobqueue"))

    def test_they_are_there_after_migrating(self):
        assert set(SHIPPED_GROUPS) <= set(Group.objects.values_list("name", flat=True))
        assert Company.objects.get(is_default=True).code == "main"

    def test_running_again_adds_what_is_missing_and_keeps_what_was_added(self):
        group = Group.objects.get(name="Viewer")
        own = make_user(permissions=["auth.view_group"]).user_permissions.get()
        group.permissions.remove(*group.permissions.filter(codename="view_entry"))
        group.permissions.add(own)
        Group.objects.filter(name="Integrator").delete()
        self.run()
        self.run()
        assert group.permissions.filter(codename="view_entry").exists()
        assert own in group.permissions.all()
        assert Group.objects.get(name="Integrator").permissions.filter(codename="add_entry").exists()
        assert Group.objects.filter(name="Viewer").count() == 1

    def test_another_default_company_stays_the_default(self):
        Company.objects.filter(is_default=True).update(is_default=False)
        other = make_company("other", is_default=True)
        Company.objects.filter(code="main").update(name="Ours")
        self.run()
        assert companies.default() == other
        assert Company.objects.get(code="main").name == "Ours"

"""Users whom packages run as: deleting them is refused, disabling them warns (*Packages reference, Deleting*)."""

import pytest

from jobqueue.states import Status
from packages import lifecycle
from tests import builders
from tests.admin.conftest import address, said
from tests.packages.building import active, boss_of, nightly, reloaded

pytestmark = pytest.mark.django_db


def posted(user, **changed) -> dict[str, str]:
    data = {
        "username": user.get_username(),
        "email": user.email,
        "is_active": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        **changed,
    }
    return {name: value for name, value in data.items() if value is not None}


def disable(signed_in, user) -> str:
    response = signed_in(user=builders.make_superuser()).post(
        address(f"auth/user/{user.pk}/change/"), posted(user, is_active=None)
    )
    assert response.status_code == 302, response.context["adminform"].form.errors
    user.refresh_from_db()
    assert not user.is_active
    return said(response)


def test_disabling_whom_active_packages_run_as_names_them(signed_in):
    ann = builders.make_superuser("ann")
    active(nightly(), actor=builders.actor_of(ann))
    words = disable(signed_in, ann)
    assert (
        "The job queue package “Nightly” is Active and runs as this user. Its next run cannot start" in words
    )


def test_a_run_as_user_comes_first_and_a_package_at_rest_is_not_named(signed_in):
    ann, named = builders.make_superuser("ann"), builders.make_superuser("named")
    package = nightly()
    lifecycle.change_package(package, {"run_as_user": named}, actor=boss_of(package))
    active(reloaded(package), actor=builders.actor_of(ann))
    nightly(name="At rest")
    assert "package" not in disable(signed_in, ann)
    assert "“Nightly”" in disable(signed_in, named)


def test_entries_that_run_as_the_user_are_counted(signed_in):
    ann = builders.make_superuser("ann")
    builders.make_entry(status=Status.READY, user=ann)
    builders.make_entry(user=ann)
    assert "Job queue entries that run as this user: 1." in disable(signed_in, ann)


def test_whom_an_active_package_runs_as_is_not_deleted(signed_in):
    ann = builders.make_superuser("ann")
    active(nightly(), actor=builders.actor_of(ann))
    client = signed_in(user=builders.make_superuser())
    page = client.post(address(f"auth/user/{ann.pk}/delete/"), {"post": "yes"})
    assert type(ann).objects.filter(pk=ann.pk).exists()
    assert "Nightly" in page.content.decode()

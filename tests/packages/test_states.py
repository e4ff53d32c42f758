"""State × verb: what each verb answers in each status, with and without an open run, and what the status is then."""

import pytest

from jobqueue.errors import JobQueueError
from packages import lifecycle
from packages.models import Package, Run
from packages.states import Outcome, PackageStatus
from tests.builders import actor_of, make_company, make_user
from tests.jobobjects import jobs
from tests.packages.building import (
    FRIDAY_NOON,
    MINUTE,
    TONIGHT,
    active,
    add_daily,
    add_line,
    boss_of,
    last_run,
    make_package,
    nightly,
    reloaded,
    results_of,
    run,
    runs_of,
)

pytestmark = pytest.mark.django_db

HOLD, ACTIVE, ERROR, FINISHED = (
    PackageStatus.ON_HOLD,
    PackageStatus.ACTIVE,
    PackageStatus.ERROR,
    PackageStatus.FINISHED,
)
OK = ""
LATER = TONIGHT + MINUTE

VERBS = {
    "set_active": lambda package, actor: lifecycle.set_active(package, actor=actor, now=LATER),
    "set_on_hold": lambda package, actor: lifecycle.set_on_hold(package, actor=actor, now=LATER),
    "run_now": lambda package, actor: lifecycle.run_now(package, actor=actor, now=LATER),
    "change": lambda package, actor: lifecycle.change_package(package, {"description": "New"}, actor=actor),
    "delete": lambda package, actor: lifecycle.delete_package(package, actor=actor),
    "copy": lambda package, actor: lifecycle.copy_package(package, actor=actor),
    "cancel_run": lambda package, actor: lifecycle.cancel_run(
        Run.objects.filter(package_uuid=package.uuid).latest("number"), actor=actor, now=LATER
    ),
    "resume": lambda package, actor: lifecycle.resume(
        Run.objects.filter(package_uuid=package.uuid).earliest("number"), actor=actor, now=LATER
    ),
}

WITHOUT_A_RUN = {
    #              On Hold            Active             Error      Finished
    "set_active": (OK, "already_active", OK, OK),
    "set_on_hold": ("already_on_hold", OK, OK, OK),
    "run_now": (OK, OK, OK, OK),
    "change": (OK, "package_locked", OK, OK),
    "delete": (OK, "package_locked", OK, OK),
    "copy": (OK, OK, OK, OK),
    "cancel_run": ("not_running",) * 4,
    "resume": (OK, OK, OK, OK),
}
WITH_A_RUN = {
    "set_active": (OK, "already_active", OK, OK),
    "set_on_hold": (OK, OK, OK, OK),
    "run_now": ("already_running",) * 4,
    "change": ("package_locked",) * 4,
    "delete": ("package_locked",) * 4,
    "copy": (OK, OK, OK, OK),
    "cancel_run": (OK, OK, OK, OK),
    "resume": ("already_running",) * 4,
}
AFTERWARDS = {"set_active": ACTIVE, "set_on_hold": HOLD}


def in_status(status: PackageStatus) -> Package:
    """A package with one run that ended with Error, in the given status, without an open run."""
    package = nightly(failing=(20,))
    lifecycle.run_now(package, actor=boss_of(package), now=FRIDAY_NOON)
    run(FRIDAY_NOON)
    if status == ACTIVE:
        return active(package)
    Package.objects.filter(pk=package.pk).update(status=status)
    return reloaded(package)


def answer_of(verb: str, package: Package) -> str:
    try:
        VERBS[verb](package, boss_of(package))
    except JobQueueError as refusal:
        return refusal.code
    return OK


@pytest.mark.parametrize("position", range(4), ids=["On Hold", "Active", "Error", "Finished"])
@pytest.mark.parametrize("verb", VERBS)
def test_without_an_open_run(verb, position):
    status = (HOLD, ACTIVE, ERROR, FINISHED)[position]
    package = in_status(status)
    answer = answer_of(verb, package)
    assert answer == WITHOUT_A_RUN[verb][position]
    if verb != "delete" or answer:
        expected = AFTERWARDS.get(verb, status) if answer == OK else status
        assert reloaded(package).status == expected


@pytest.mark.parametrize("position", range(4), ids=["On Hold", "Active", "Error", "Finished"])
@pytest.mark.parametrize("verb", VERBS)
def test_with_an_open_run(verb, position):
    status = (HOLD, ACTIVE, ERROR, FINISHED)[position]
    package = in_status(status)
    lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
    answer = answer_of(verb, package)
    assert answer == WITH_A_RUN[verb][position]
    assert reloaded(package).status == (AFTERWARDS.get(verb, status) if answer == OK else status)
    ends_it = verb in ("set_on_hold", "cancel_run")
    assert last_run(package).is_open is not ends_it


class TestFailureToStart:
    """What may have changed between activation and the due time."""

    def test_a_right_that_was_withdrawn(self):
        user = make_user(groups=["Operator"], permissions=["auth.delete_group"])
        package = make_package()
        add_line(package, "Books", object_id=jobs.PROTECTED)
        add_daily(package)
        active(package, actor=actor_of(user))
        user.user_permissions.clear()
        run()
        assert "may not run “Close the books”" in last_run(package).message
        assert reloaded(package).status == ERROR

    def test_a_company_that_was_closed(self):
        user = make_user(groups=["Operator"])
        package = active(nightly(), actor=actor_of(user))
        make_company(members=[user])
        run()
        assert "may not work in the company" in last_run(package).message
        assert (runs_of(package), results_of(last_run(package))) == (
            [("scheduled", Outcome.ERROR)],
            ["Not Run"] * 4,
        )

    def test_it_can_be_resumed_when_the_cause_is_cured(self):
        user = make_user(groups=["Operator"])
        package = active(nightly(), actor=actor_of(user))
        type(user).objects.filter(pk=user.pk).update(is_active=False)
        run()
        type(user).objects.filter(pk=user.pk).update(is_active=True)
        lifecycle.resume(last_run(package), actor=boss_of(package), now=LATER)
        run(LATER)
        assert results_of(last_run(package)) == ["Success"] * 4

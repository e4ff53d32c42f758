"""System checks of job objects and their settings."""

import pytest
from django.test import override_settings

from jobqueue.objects import codeunit, registry
from jobqueue.objects.checks import check_job_objects, check_object_settings

INSTALLED = registry.all()


@pytest.fixture(autouse=True)
def _own_registry():
    with registry.isolated():
        yield


def work(run):
    pass


def ids():
    return [message.id for message in check_job_objects()]


def test_a_sound_object_passes():
    codeunit(50100, "Work", permission="jobqueue.run_command")(work)
    assert check_job_objects() == []


def test_an_unknown_failure_routine_is_an_error_with_a_hint():
    codeunit(50100, "Work", failure="nobody.registers")(work)
    [message] = check_job_objects()
    assert message.id == "jobqueue.E101"
    assert "“nobody.registers”, which nothing registers" in message.msg
    assert "@failure_routine" in message.hint


def test_an_unknown_permission_is_an_error():
    codeunit(50100, "Work", permission="jobqueue.fly")(work)
    assert ids() == ["jobqueue.E102"]


@pytest.mark.parametrize(
    ("engine", "timeout", "found"),
    [("sqlite3", 6, ["jobqueue.E103"]), ("sqlite3", 5, []), ("sqlite3", None, []), ("postgresql", 600, [])],
)
def test_an_atomic_object_may_hold_the_writer_of_sqlite_for_5_seconds(engine, timeout, found, monkeypatch):
    monkeypatch.setattr("jobqueue.objects.checks._on_sqlite", lambda: engine == "sqlite3")
    codeunit(50100, "Work", atomic=True, timeout_seconds=timeout)(work)
    assert ids() == found


def test_an_id_of_the_product_is_a_warning_for_others():
    codeunit(49_999, "Work")(work)
    assert ids() == ["jobqueue.W101"]


def test_the_objects_of_every_installed_app_pass():
    assert INSTALLED
    for item in INSTALLED:
        registry.add(item)
    assert check_job_objects() == []


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"OUTBOUND_ALLOWED_HOSTS": ["intranet", "intranet:8080", "10.0.0.0/8", "::1", "[::1]:80"]}, []),
        ({"OUTBOUND_ALLOWED_HOSTS": ["10.0.0.0/99"]}, ["jobqueue.E104"]),
        ({"OUTBOUND_ALLOWED_HOSTS": ["https://intranet"]}, ["jobqueue.E104"]),
        ({"ALLOWED_COMMANDS": ["clearsessions", "fly"]}, ["jobqueue.E105"]),
        ({"SQL_REPORT_ALIASES": ["nowhere"]}, ["jobqueue.E106"]),
        ({"SQL_REPORT_ALIASES": ["default"]}, ["jobqueue.W102"]),
    ],
)
def test_the_allow_lists_are_checked(settings, found):
    with override_settings(JOBQUEUE=settings):
        assert [message.id for message in check_object_settings()] == found

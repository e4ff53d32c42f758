"""Short transactions on SQLite, and turns at its write lock among processes."""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from jobqueue.models import Company
from jobqueue.scheduler.patience import DatabaseSilent, patience
from jobqueue.scheduler.sqlite import TURN_SUFFIX, short_transaction, write_turn

pytestmark = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's lock")

RENAME = "UPDATE jobqueue_company SET name = %(name)s WHERE code = %(code)s"


@pytest.fixture
def companies(transactional_db: None) -> None:
    Company.objects.create(code="NORTH", name="North")
    Company.objects.create(code="SOUTH", name="South")


def names() -> dict[str, str]:
    return dict(Company.objects.filter(code__in=("NORTH", "SOUTH")).values_list("code", "name"))


class TestShortTransaction:
    def test_commits_all_its_statements_together(self, companies: None) -> None:
        with short_transaction() as statements:
            assert statements.change(RENAME, {"code": "NORTH", "name": "Norte"}) == 1
            assert names_elsewhere()["NORTH"] == "North"
            assert statements.change(RENAME, {"code": "SOUTH", "name": "Sur"}) == 1
        assert names_elsewhere() == {"NORTH": "Norte", "SOUTH": "Sur"}

    def test_takes_everything_back_when_one_step_fails(self, companies: None) -> None:
        with pytest.raises(LookupError):
            rename_and_fail("NORTH", "Norte")
        assert names() == {"NORTH": "North", "SOUTH": "South"}
        assert connection.get_autocommit()

    def test_raises_the_errors_of_django_and_leaves_the_connection_usable(self, companies: None) -> None:
        with pytest.raises(IntegrityError), short_transaction() as statements:
            statements.change("UPDATE jobqueue_company SET code = 'SOUTH' WHERE code = 'NORTH'", {})
        with pytest.raises(OperationalError), short_transaction() as statements:
            statements.fetch("SELECT nothing FROM nowhere", {})
        assert names() == {"NORTH": "North", "SOUTH": "South"}

    def test_is_a_savepoint_inside_a_transaction(self, companies: None) -> None:
        with transaction.atomic():
            with short_transaction() as statements:
                statements.change(RENAME, {"code": "NORTH", "name": "Norte"})
            with pytest.raises(LookupError):
                rename_and_fail("SOUTH", "Sur")
            assert names() == {"NORTH": "Norte", "SOUTH": "South"}
            transaction.set_rollback(True)
        assert names() == {"NORTH": "North", "SOUTH": "South"}

    def test_shows_its_statements_to_who_counts_them(
        self, companies: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(3) as captured, short_transaction() as statements:
            statements.change(RENAME, {"code": "NORTH", "name": "Norte"})
        assert "Norte" in captured[1]["sql"]


class TestTurns:
    def test_one_process_after_the_other(self, companies: None) -> None:
        with process_that(holds_the_turn), pytest.raises(DatabaseSilent), patience(0.2), write_turn():
            pytest.fail("Two had the turn at once.")

    def test_the_turn_of_a_killed_process_passes_on(self, companies: None) -> None:
        with process_that(holds_the_turn) as pid:
            os.kill(pid, signal.SIGKILL)
            with patience(20), write_turn():
                pass

    def test_a_child_does_not_keep_its_parents_turn(self, companies: None) -> None:
        with write_turn():
            child = process_that(has_been_forked)
            child.__enter__()
        try:
            with patience(20), write_turn():
                pass
        finally:
            child.__exit__(None, None, None)

    def test_waiting_in_vain_gives_no_turn_to_give_back(self, companies: None) -> None:
        with process_that(holds_the_turn):
            for _ in range(2):
                with pytest.raises(DatabaseSilent), patience(0.1), write_turn():
                    pytest.fail("The turn was given up by who never had it.")

    def test_inside_a_transaction_nobody_waits_for_a_turn(self, companies: None) -> None:
        with process_that(holds_the_turn), patience(20), transaction.atomic(), write_turn():
            pass

    def test_who_takes_no_part_is_not_kept_out(self, companies: None) -> None:
        with process_that(holds_the_turn):
            Company.objects.filter(code="NORTH").update(name="Norte")
        assert names()["NORTH"] == "Norte"

    def test_without_a_place_for_the_file_there_are_no_turns(
        self, companies: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connection.settings_dict, "NAME", "file:memory?mode=memory")
        with write_turn():
            pass
        assert not os.path.exists(f"file:memory?mode=memory{TURN_SUFFIX}")


def rename_and_fail(code: str, name: str) -> None:
    with short_transaction() as statements:
        statements.change(RENAME, {"code": code, "name": name})
        raise LookupError


def names_elsewhere() -> dict[str, str]:
    """What another connection sees."""
    other = sqlite3.connect(connection.settings_dict["NAME"])
    try:
        return dict(other.execute("SELECT code, name FROM jobqueue_company WHERE code IN ('NORTH', 'SOUTH')"))
    finally:
        other.close()


def holds_the_turn(ready: Callable[[], None]) -> None:
    with write_turn():
        ready()


def has_been_forked(ready: Callable[[], None]) -> None:
    ready()


@contextmanager
def process_that(does: Callable[[Callable[[], None]], None]) -> Iterator[int]:
    """A forked process that does so, says when it is there, and stays until the end of the block."""
    there, is_there = os.pipe()
    stay, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(end)

        def ready() -> None:
            os.write(is_there, b".")
            os.read(stay, 1)

        try:
            does(ready)
        finally:
            os._exit(0)
    os.close(is_there)
    try:
        assert os.read(there, 1) == b"."
        yield pid
    finally:
        os.close(end)
        os.waitpid(pid, 0)
        os.close(there)
        os.close(stay)

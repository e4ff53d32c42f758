"""The fault suite's question whether categories kept to their slots: it must be able to say no."""

from datetime import timedelta

import pytest

from chaos.slots import beyond_slots
from jobqueue.states import LogStatus
from tests.builders import NOW, make_category, make_entry, make_log_entry

pytestmark = pytest.mark.django_db


def runs(*spans, slots=1):
    """One entry a run, from and to these seconds; what the question answers for all of them."""
    make_category("BANK", slots=slots)
    entries = []
    for number, (begin, end) in enumerate(spans):
        entry = make_entry(category_code="BANK")
        make_log_entry(
            entry,
            due_at=NOW + timedelta(seconds=number),
            started_at=NOW + timedelta(seconds=begin),
            ended_at=NOW + timedelta(seconds=end),
            status=LogStatus.ERROR if number % 2 else LogStatus.SUCCESS,
        )
        entries.append(entry.id)
    return list(beyond_slots(entries))


def test_runs_one_after_the_other_keep_to_one_slot():
    assert runs((0, 2), (2, 3), (3, 3), (3, 5)) == []


def test_an_overlap_is_named_with_its_category_and_row():
    [sentence] = runs((0, 2), (1.5, 3))
    assert "category BANK has 1 slots and held 2 runs at 09:00:01.500000" in sentence


def test_slots_are_counted():
    spans = [(0, 10), (1, 4), (2, 3), (4, 6)]
    assert len(runs(*spans, slots=2)) == 1


def test_runs_of_others_fill_slots_but_are_not_blamed():
    make_category("BANK")
    other = make_entry(category_code="BANK")
    make_log_entry(other, started_at=NOW, ended_at=NOW + timedelta(seconds=9))
    assert list(beyond_slots([])) == []
    assert len(runs((1, 2))) == 1

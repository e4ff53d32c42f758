"""Look-ahead and watchdog: decisions read from the board of a cluster."""

import doctest
import time

import pytest

from jobqueue.scheduler import lookahead, retries
from jobqueue.scheduler.board import BUSY, EXITED, FORKED, IDLE, Board, Cell, SlotCell
from jobqueue.scheduler.lookahead import claimable, look_ahead, wanted
from jobqueue.scheduler.watchdog import Watchdog


@pytest.fixture
def board():
    board = Board(cluster_id=1, workers=2)
    yield board
    board.close()


def add_worker(board, state, *, pace=0.0, since=0.0):
    slot = board.reserve()
    board.put(slot, SlotCell.STATE, state)
    board.put(slot, SlotCell.PACE, int(pace * 1e9))
    board.put(slot, SlotCell.SINCE, time.monotonic_ns() - int(since * 1e9))
    return slot


def claimable_now(board):
    return claimable(board, now_ns=time.monotonic_ns())


@pytest.mark.parametrize("module", [lookahead, retries])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


def test_without_living_workers_nothing_is_claimed(board):
    assert claimable_now(board) == 0
    add_worker(board, FORKED)
    add_worker(board, EXITED)
    assert claimable_now(board) == 0


def test_idle_workers_are_served_even_when_jobs_are_long(board):
    add_worker(board, IDLE, pace=30)
    add_worker(board, BUSY, pace=30, since=20)
    assert claimable_now(board) == 1


def test_nothing_is_claimed_ahead_of_a_long_job(board):
    add_worker(board, BUSY, pace=0.002, since=1)
    add_worker(board, BUSY, pace=0.002)
    assert claimable_now(board) == 0


def test_fast_work_is_claimed_ahead_for_a_tenth_of_a_second():
    assert look_ahead(workers=2, pace_seconds=0.01, longest_seconds=0) == 20
    assert look_ahead(workers=2, pace_seconds=0.0001, longest_seconds=0) == 64
    assert look_ahead(workers=2, pace_seconds=0.15, longest_seconds=0) == 0


def test_a_refill_waits_until_the_look_ahead_is_half_empty():
    assert wanted(idle=0, ahead=64, outstanding=33) == 0
    assert wanted(idle=0, ahead=64, outstanding=32) == 32
    assert wanted(idle=2, ahead=0, outstanding=2) == 0


def test_a_freed_slot_keeps_its_counters_and_serves_again(board):
    slot = add_worker(board, IDLE)
    board.put(slot, SlotCell.TAKEN, 5)
    board[Cell.PUSHED] = 6
    board.put(slot, SlotCell.PID, 123)
    board.free(slot)
    assert board.outstanding() == 1
    assert board.reserve() == slot
    assert board.get(slot, SlotCell.PID) == 0


def test_a_full_board_reserves_nothing(board):
    assert all(board.reserve() >= 0 for _ in range(board.size))
    assert board.reserve() == -1


def test_a_healthy_cluster_is_left_alone(board):
    add_worker(board, IDLE)
    board[Cell.SENTINEL_BEAT] = board[Cell.BROKER_BEAT] = time.monotonic_ns()
    assert Watchdog().diagnose(board) is None


def test_a_message_nobody_takes_is_a_wedge_and_progress_is_not(board, monkeypatch):
    slot = add_worker(board, IDLE)
    clock = [100.0]
    monkeypatch.setattr("jobqueue.scheduler.watchdog.time.monotonic", lambda: clock[0])
    watchdog = Watchdog()
    board[Cell.PUSHED] = 10
    for taken in range(5):
        board.put(slot, SlotCell.TAKEN, taken)
        assert watchdog.diagnose(board) is None
        clock[0] += 1.5
    clock[0] += 1
    assert watchdog.diagnose(board) == "messages wait although a worker is idle"


def test_silent_processes_are_noticed(board):
    board[Cell.SENTINEL_BEAT] = time.monotonic_ns() - 5 * 10**9
    assert Watchdog().diagnose(board) == "the sentinel is silent"
    board[Cell.SENTINEL_BEAT] = time.monotonic_ns()
    board[Cell.BROKER_BEAT] = time.monotonic_ns() - 16 * 10**9
    assert Watchdog().diagnose(board) == "the broker process is silent"

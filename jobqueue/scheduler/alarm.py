"""The one timer of a process, for whoever limits what runs at the moment.

Installing a signal handler costs more than setting the timer, and a worker sets it several times for every task. So a
worker process keeps one handler for good (``share``); in other processes each limit puts back what was there.
"""

import inspect
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

_present_handler = inspect.unwrap(signal.getsignal)
"""Without the module's search for an enumeration's member, which costs more than the look, and all of a run's other
alarms together."""

_act: Callable[[], None] | None = None
_shared = False


def share() -> None:
    """Makes the handler this process's own, for as long as it lives."""
    global _shared
    signal.signal(signal.SIGALRM, _ring)
    _shared = True


def take_back() -> None:
    """Puts the handler in again after foreign code, which may have installed one of its own."""
    if _shared and _present_handler(signal.SIGALRM) is not _ring:
        signal.signal(signal.SIGALRM, _ring)


def arm(seconds: float, act: Callable[[], None], *, repeat_seconds: float = 0.0) -> Any:
    """Calls ``act`` in the main thread after ``seconds``, and again every ``repeat_seconds`` if given; what it raises
    is raised where the thread stands. Returns what :func:`disarm` needs. One at a time.
    """
    global _act
    previous = None if _shared else signal.signal(signal.SIGALRM, _ring)
    _act = act
    signal.setitimer(signal.ITIMER_REAL, seconds, repeat_seconds)
    return previous


def disarm(previous: Any) -> None:
    """Ends what :func:`arm` began; an alarm that is already on its way does nothing any more."""
    global _act
    _act = None
    signal.setitimer(signal.ITIMER_REAL, 0)
    if previous is not None and not _shared:
        signal.signal(signal.SIGALRM, previous)


def is_armed() -> bool:
    """Whether the process's timer is set, by us or by others."""
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _ring(_signal: int, _frame: FrameType | None) -> None:
    if _act is not None:
        _act()

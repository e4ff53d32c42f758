"""The claims of one message, executed one after the other, each in a session of its own.

While jobs are short the way to them costs more than they do. So a message then carries several claims; a self-managed
routine may look them up at once (``prepare``), and start a task in the same statement that ends the one before it.
What waits here is claimed and nothing more: given back like any other claim if its turn does not come soon.
"""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jobqueue.scheduler.interruption import drop_connections
from jobqueue.scheduler.routines import Prepare, get_routine, is_registered
from jobqueue.scheduler.session import Slot
from jobqueue.scheduler.tasks import ClaimedTask

logger = logging.getLogger("jobqueue.scheduler")


class Place:
    """A claim's place in its line. Whoever starts the task before its turn sets ``started``: it must then get it."""

    __slots__ = ("_line", "prepared", "started")

    def __init__(self, line: "Line") -> None:
        self.prepared: Any = None
        self.started = False
        self._line = line

    def following(self) -> ClaimedTask | None:
        """The claim that is next, for the routine that ends this one and may start it with that; None if it may not."""
        return self._line.peek()


class Line:
    """Claims waiting for their turn in this process, in order."""

    def __init__(self, claims: Sequence[ClaimedTask], *, slot: Slot) -> None:
        self._slot = slot
        self._waiting = deque(replace(claim, turn=Place(self)) for claim in claims)

    def prepare(self) -> None:
        """Lets routines look their claims up at once. What fails here each claim tries again for itself."""
        if len(self._waiting) < 2:
            return
        for prepare, claims in self._by_routine():
            try:
                found = prepare(claims)
            except Exception as error:
                logger.debug("%s claims are looked up one by one: %s", len(claims), error)
                drop_connections()
                continue
            for claim in claims:
                claim.turn.prepared = found.get(claim.id)  # type: ignore[union-attr]

    def pop(self) -> ClaimedTask | None:
        """The next claim to execute; None at the end, or when nothing more may start."""
        if self._waiting and (self._waiting[0].turn.started or not self._slot.stopping):  # type: ignore[union-attr]
            return self._waiting.popleft()
        return None

    def peek(self) -> ClaimedTask | None:
        """The next claim if it may be started now, at the end of the present one; its session is announced."""
        if not self._waiting or self._slot.stopping:
            return None
        self._slot.expect_session(self._waiting[0].session_number)
        return self._waiting[0]

    def _by_routine(self) -> list[tuple[Prepare, list[ClaimedTask]]]:
        found: dict[Prepare, list[ClaimedTask]] = {}
        for claim in self._waiting:
            if not claim.is_failure and is_registered(claim.routine):
                prepare = get_routine(claim.routine).prepare
                if prepare is not None:
                    found.setdefault(prepare, []).append(claim)
        return list(found.items())

"""Turns: in a backlog companies with due work take turns, one task each, so that none waits behind another.

The memory of whose turn it is belongs to one claimant (the broker process of a cluster) and is never stored: every
cluster is fair by itself, so all of them are together, and no claim waits for another one's bookkeeping. After a claim
it is enough to know who has had a turn in the present round: nobody is ever further ahead, and who had nothing due
saved nothing up. Within a company the order stays the claim order; tasks of no company take turns as one of their own.

Only a backlog is divided. Without one everything due is claimed at once, and an installation with one company never
asks for turns.
Source: *Job queue reference, Limits and numbers*, fair between companies.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from jobqueue.scheduler.sql import fetch
from jobqueue.scheduler.values import db_uuid, on_postgresql, read_uuid

COMPANY_TABLE = "jobqueue_company"
COUNT_AGAIN_SECONDS = 5.0
"""A company made while there is a backlog takes turns after this time at the latest."""

Company = Any
"""Key of a company as a UUID; None stands for the tasks of no company."""


class Turns:
    """Who has had a turn in the present round, and whether turns are needed at all."""

    def __init__(self) -> None:
        self.served: frozenset[Company] = frozenset()
        self._backlog = True  # not known yet; a look at nothing due costs next to nothing
        self._several = False
        self._counted_at: float | None = None

    def are_needed(self) -> bool:
        """Whether the next claim must divide what is due among companies. Asks the database every 5 s of a backlog."""
        return self._backlog and self._several_companies()

    def claimed(self, companies: Sequence[Company], *, asked: int) -> None:
        """Notes whose tasks a claim of ``asked`` has taken, in the order of the turns."""
        if len(companies) >= asked:
            self._backlog = True
        if companies:
            self.served = served_after(companies, served=self.served)

    def look(self, due_in: float | None) -> None:
        """Notes when the next task is due, as found after a claim that took nothing: what is overdue is a backlog."""
        self._backlog = due_in is not None and due_in <= 0

    def parameters(self) -> dict[str, Any]:
        """The parameters of the claim's statement that divides."""
        companies = [db_uuid(company) for company in self.served if company is not None]
        return {
            "served": companies if on_postgresql() else json.dumps(companies),
            "system_served": int(None in self.served),
        }

    def _several_companies(self) -> bool:
        now = time.monotonic()
        if self._counted_at is None or now - self._counted_at >= COUNT_AGAIN_SECONDS:
            self._counted_at = now
            self._several = len(fetch(f"SELECT 1 FROM {COMPANY_TABLE} LIMIT 2", {})) > 1
        return self._several


def in_turn(rows: Iterable[Sequence[Any]], *, served: frozenset[Company]) -> list[Sequence[Any]]:
    """Rows of (rank, task, …, company) in the order of the turns: by round, in a round by rank."""
    rounds: Counter[Company] = Counter(dict.fromkeys(served, 1))
    placed = []
    for row in sorted(rows, key=lambda row: (row[0], row[1])):
        company = read_uuid(row[-1])
        rounds[company] += 1
        placed.append((rounds[company], row[0], row[1], row))
    return [row for *_, row in sorted(placed, key=lambda item: item[:3])]


def served_after(companies: Iterable[Company], *, served: frozenset[Company]) -> frozenset[Company]:
    """Who has had a turn in the round that the last of these claims belongs to.

    >>> sorted(served_after("abcab", served=frozenset()))
    ['a', 'b']
    >>> sorted(served_after("b", served=frozenset("a")))
    ['a', 'b']
    >>> sorted(served_after("aaa", served=frozenset("b")))
    ['a']
    """
    turns = Counter(dict.fromkeys(served, 1))
    claimed: set[Company] = set()
    for company in companies:
        turns[company] += 1
        claimed.add(company)
    last = max(turns[company] for company in claimed)
    return frozenset(company for company, had in turns.items() if had >= last)

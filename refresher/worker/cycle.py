"""One cycle: per runner a token, its assignments, one refresh per company, and the outcome.

Source: *Refresher reference, Worker → product* and *Worker bookkeeping*: a success sets the failures to 0, a failed
cycle counts once however often it was tried, "not enabled" is neither, and from 15 on a runner is not called any more.
A product that cannot be reached counts against nobody.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from refresher.entra.errors import SignInFailed
from refresher.worker.calling import CallFailed, Patience
from refresher.worker.configuration import Configuration, Runner
from refresher.worker.identity import Identities
from refresher.worker.product import Product
from refresher.worker.state import State

OK, IDLE, FAILED, INACTIVE, UNREACHABLE = "ok", "idle", "failed", "inactive", "unreachable"


class ProductAway(Exception):
    """Nobody answers at the product's address; the cycle is over."""

    def __init__(self, failure: CallFailed) -> None:
        super().__init__(str(failure))


@dataclass(slots=True)
class Served:
    """How one runner fared. ``companies`` is the product's word by company."""

    runner: Runner
    result: str = IDLE
    errors: list[str] = field(default_factory=list)
    companies: dict[str, str] = field(default_factory=dict)
    token: str = field(default="", repr=False)


@dataclass(slots=True)
class Cycle:
    """What a cycle needs; :meth:`run` returns how each runner fared and notes it in the state."""

    configuration: Configuration
    product: Product
    identities: Identities
    patience: Patience
    state: State
    now: Callable[[], float]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def run(self) -> list[Served]:
        log = self.patience.log
        started = self.now()
        inactive = self._inactive_in_product()
        log.info("cycle_started", cycle=self.id, runners=len(self.configuration.runners))
        found: list[Served] = []
        away = False
        for runner in self.configuration.runners:
            served = Served(runner, result=UNREACHABLE) if away else self._serve(runner, inactive)
            away = away or served.result == UNREACHABLE
            found.append(served)
            self._note(served)
        results = {one.runner.name: one.result for one in found}
        self.state.last_cycle = {
            "id": self.id,
            "started_at": started,
            "ended_at": self.now(),
            "results": results,
        }
        log.info("cycle_ended", cycle=self.id, results=results, seconds=round(self.now() - started, 3))
        return found

    def _serve(self, runner: Runner, inactive: Mapping[str, bool]) -> Served:
        served = Served(runner)
        try:
            if inactive.get(runner.name, self.state.record_of(runner).is_inactive):
                self._leave_out(served, "It failed 15 times in a row. Repair the cause, then reset it.")
                return served
            self._refresh_all(served)
        except ProductAway as away:
            served.result, served.errors = UNREACHABLE, [str(away)]
        except (SignInFailed, CallFailed) as failure:
            served.errors.append(str(failure))
        if served.errors and served.result != UNREACHABLE:
            served.result = FAILED
        return served

    def _refresh_all(self, served: Served) -> None:
        assignments = self._called(served, lambda token: self.product.assignments(token))
        if assignments.get("is_inactive"):
            self._leave_out(served, " ".join(map(str, assignments.get("problems", []))))
            return
        for company in assignments.get("companies", []):
            code = str(company["code"])
            try:
                answer = self._called(
                    served, lambda token, code=code: self.product.refresh(code, token, cycle=self.id)
                )
            except CallFailed as failure:
                served.companies[code] = "failed"
                served.errors.append(f"{code}: {failure}")
                self.patience.log.error(
                    "refresh_failed",
                    cycle=self.id,
                    runner=served.runner.name,
                    company=code,
                    error=str(failure),
                )
                continue
            served.companies[code] = str(answer.get("status", ""))
            if answer.get("status") == "refreshed":
                served.result = OK
            self.patience.log.info(
                "refreshed" if answer.get("status") == "refreshed" else "not_enabled",
                cycle=self.id,
                runner=served.runner.name,
                company=code,
                log=answer.get("log"),
                message=answer.get("message"),
            )

    def _called(self, served: Served, call: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        """The call with the runner's token; one that is refused is tried with a new one, once."""
        runner = served.runner
        try:
            try:
                served.token = served.token or self._signed_in(runner)
                return call(served.token)
            except CallFailed as failure:
                if not failure.is_refusal or runner.token:
                    raise
            self.identities.forget(runner)
            served.token = ""
            served.token = self._signed_in(runner)
            return call(served.token)
        except CallFailed as failure:
            if failure.unreachable:
                raise ProductAway(failure) from None
            if failure.status == 401:
                served.token = ""
            raise

    def _signed_in(self, runner: Runner) -> str:
        return self.patience.tried("sign-in", lambda: self.identities.token(runner), runner=runner.name)

    # --- the outcome
    def _note(self, served: Served) -> None:
        record = self.state.record_of(served.runner)
        record.last_result, record.last_cycle_at = served.result, self.now()
        record.last_error = " ".join(served.errors)[:2_000]
        if served.result == OK:
            record.untold, record.last_success_at = 0, self.now()
            self._post(served, succeeded=True)
        elif served.result == FAILED:
            log = self.patience.log
            log.error("runner_failed", cycle=self.id, runner=served.runner.name, error=record.last_error)
            record.untold = (
                0 if self._post(served, succeeded=False, error=record.last_error) else record.untold + 1
            )

    def _post(self, served: Served, **outcome: Any) -> bool:
        """Whether the product took the outcome: from the runner itself, else from the worker's own token."""
        own, watching = served.token, self.configuration.product.token
        for token, named in ((own, {}), (watching, {"runner": served.runner.name})):
            if not token:
                continue
            try:
                self.product.post_outcome(token, cycle=self.id, **outcome, **named)
                return True
            except CallFailed as failure:
                self.patience.log.warning(
                    "outcome_not_posted", cycle=self.id, runner=served.runner.name, error=str(failure)
                )
                if failure.unreachable:
                    return True  # the watcher tells of that
        return False

    def _leave_out(self, served: Served, why: str) -> None:
        served.result, served.errors = INACTIVE, [why]
        self.patience.log.warning("runner_inactive", cycle=self.id, runner=served.runner.name, reason=why)

    def _inactive_in_product(self) -> dict[str, bool]:
        """What the product says of runners, if the worker has a token of its own to ask with."""
        token = self.configuration.product.token
        if not token:
            return {}
        try:
            counters = self.product.status(token)["runners"]
            return {str(one["runner"]): bool(one["is_inactive"]) for one in counters}
        except (CallFailed, KeyError, TypeError) as failure:
            self.patience.log.warning("status_not_read", cycle=self.id, error=str(failure))
            return {}

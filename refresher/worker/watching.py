"""Watching the watcher: what is wrong with the product, as far as can be seen from here.

A finding has a key such as ``workers`` or ``refresh:main``. Only *known* families were looked at: an incident of
another family is neither over nor new.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from refresher.entra.errors import SignInFailed
from refresher.worker.calling import CallFailed, Patience
from refresher.worker.configuration import Configuration
from refresher.worker.cycle import FAILED, INACTIVE, UNREACHABLE, Served
from refresher.worker.identity import Identities
from refresher.worker.product import Product
from refresher.worker.state import State

NOT_CHECKED = "Not checked"


@dataclass(slots=True)
class Look:
    """What a look found: sentences by key, and the families it could say anything about."""

    findings: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    @property
    def reachable(self) -> bool:
        return "unreachable" not in self.findings


def family(key: str) -> str:
    return key.partition(":")[0]


def look(product: Product) -> Look:
    """What ``/readyz`` says: does the product answer, and is each of its checks well?"""
    found = Look(known={"unreachable"})
    try:
        checks = product.readiness().checks
    except CallFailed as failure:
        found.findings["unreachable"] = str(failure)
        return found
    for name, (is_well, reason) in checks.items():
        if reason.startswith(NOT_CHECKED):
            continue
        found.known.add(name)
        if not is_well:
            found.findings[name] = reason
    return found


def look_closer(
    found: Look, *, configuration: Configuration, product: Product, identities: Identities, patience: Patience
) -> None:
    """Adds what the status says: when each company was refreshed last, and whether messages go out."""
    if not found.reachable:
        return
    facts = _facts(configuration, product, identities, patience)
    if facts is None:
        return
    found.known |= {"refresh", "messages"}
    for company in facts.get("companies", []):
        if company.get("overdue"):
            found.findings[f"refresh:{company['code']}"] = _not_refreshed(company)
    limit, waited = configuration.alarm.unsent_hours, facts.get("oldest_unsent_message_seconds")
    if limit and waited is not None and waited > limit * 3_600:
        found.findings["messages"] = (
            f"The oldest message of Jobwarden that is not sent yet has waited {waited // 60} minutes. "
            "Look at its mail log and its mail server."
        )


def add_runners(found: Look, served: Iterable[Served], *, state: State) -> None:
    """Runners whose failures the product could not be told of: nobody else would hear of them."""
    served = list(served)
    if any(one.result == UNREACHABLE for one in served):
        return
    found.known.add("runner")
    for one in served:
        record = state.record_of(one.runner)
        if one.result in (FAILED, INACTIVE) and record.untold:
            found.findings[f"runner:{one.runner.name}"] = (
                f"The runner user {one.runner.name} failed {record.untold} times in a row: {record.last_error}"
                if record.untold > 1
                else f"The runner user {one.runner.name} failed: {record.last_error}"
            )


def _not_refreshed(company: dict[str, Any]) -> str:
    """What Jobwarden says is not refreshed, all jobs of the company or those of one runner."""
    last = company.get("last_refreshed_at")
    said = company.get("overdue_reason") or (
        f"The monitored jobs have not been refreshed {f'since {last}' if last else 'yet'}."
    )
    return f"{company['name']}: {said}"


def _facts(
    configuration: Configuration, product: Product, identities: Identities, patience: Patience
) -> dict[str, Any] | None:
    """The status, read with the worker's own token or that of a runner who is signed in already."""
    failures = []
    for token in _tokens(configuration, identities):
        try:
            return product.status(token)
        except CallFailed as failure:
            failures.append(str(failure))
    patience.log.warning("status_not_read", errors=failures)
    return None


def _tokens(configuration: Configuration, identities: Identities) -> Iterable[str]:
    if configuration.product.token:
        yield configuration.product.token
    for runner in configuration.runners:
        if identities.is_signed_in(runner):
            try:
                yield identities.token(runner)
            except SignInFailed:
                continue

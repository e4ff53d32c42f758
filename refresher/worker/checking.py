"""``--check``: signs in, calls, and says in words what is well and what is not; changes nothing."""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from refresher.entra.errors import SignInFailed
from refresher.worker import alarms, watching
from refresher.worker.calling import CallFailed, Patience
from refresher.worker.configuration import Configuration, Runner
from refresher.worker.identity import Identities
from refresher.worker.log import Log
from refresher.worker.product import Product
from refresher.worker.work import PRODUCT_UNWELL, RUNNERS_FAILED, WELL


@dataclass(frozen=True, slots=True)
class Result:
    """One line: is it well, and the sentence. ``severity`` is the exit status it asks for."""

    sentence: str
    severity: int = WELL
    warning: bool = False

    def __str__(self) -> str:
        return f"{'FAIL' if self.severity else 'warn' if self.warning else 'ok':4}  {self.sentence}"


def check(
    configuration: Configuration, *, file: Path, say: Callable[[str], None], wait: Callable[[float], bool]
) -> int:
    """Says every result as it comes; returns the exit status."""
    patience = Patience(configuration.retry, wait, Log(level="error"))
    worst = WELL
    for result in _results(configuration, file, patience):
        say(str(result))
        worst = max(worst, result.severity)
    return worst


def _results(configuration: Configuration, file: Path, patience: Patience) -> Iterator[Result]:
    yield Result(f"The configuration “{file}” can be used.")
    yield from _surroundings(configuration, file)
    identities = Identities(configuration)
    try:
        product = Product(configuration, patience)
    except CallFailed as failure:
        yield Result(str(failure), PRODUCT_UNWELL)
        return
    look = watching.look(product)
    for sentence in look.findings.values():
        yield Result(sentence, PRODUCT_UNWELL)
    if not look.findings:
        yield Result(f"Jobwarden answers at {configuration.product.url}, and is well.")
    for runner in configuration.runners:
        yield from _runner(runner, product, identities, reachable=look.reachable)
    if look.reachable:
        yield from _own_token(configuration, product)
    product.close()


def _surroundings(configuration: Configuration, file: Path) -> Iterator[Result]:
    try:
        readable = stat.S_IMODE(file.stat().st_mode) & 0o044
    except OSError:
        readable = 0
    if readable:
        yield Result(f"“{file}” can be read by others. Let only the worker read it: chmod 600.", warning=True)
    folder = configuration.status_file.parent
    try:
        probe = folder / f".{configuration.status_file.name}.check"
        probe.touch()
        probe.unlink()
    except OSError as error:
        yield Result(
            f"The status file cannot be written in “{folder}”: {error.strerror}. Check status.file.",
            PRODUCT_UNWELL,
        )
    named = alarms.channels(configuration)
    if named:
        yield Result(f"Alarms go out by {' and '.join(named)}. Try them with --test-alarm.")
    else:
        yield Result(
            "Alarms reach nobody: there is neither a section [mail] nor a section [webhook].", warning=True
        )


def _runner(runner: Runner, product: Product, identities: Identities, *, reachable: bool) -> Iterator[Result]:
    try:
        token = identities.token(runner)
        if not runner.token:
            yield Result(f"{runner.name} signs in to Entra ID.")
        if not reachable:
            return
        found = product.assignments(token)
    except (SignInFailed, CallFailed) as failure:
        yield Result(f"{runner.name}: {failure}", RUNNERS_FAILED)
        return
    if found.get("runner") != runner.name:
        yield Result(
            f"{runner.name}: these credentials belong to the runner user “{found.get('runner')}”. Correct the name.",
            RUNNERS_FAILED,
        )
    for problem in found.get("problems", []):
        yield Result(str(problem), RUNNERS_FAILED)
    served = [str(company["name"]) for company in found.get("companies", [])]
    yield Result(
        f"{runner.name} refreshes {', '.join(served)}."
        if served
        else f"{runner.name} has no company to refresh. Enable the external refresher there, and make it the runner.",
        warning=not served,
    )


def _own_token(configuration: Configuration, product: Product) -> Iterator[Result]:
    if not configuration.product.token:
        yield Result(
            "Without product.token Jobwarden does not hear of runner users that cannot sign in; the worker tells of "
            "them itself.",
            warning=True,
        )
        return
    try:
        product.status(configuration.product.token)
    except CallFailed as failure:
        yield Result(f"product.token: {failure}", PRODUCT_UNWELL)
    else:
        yield Result("product.token is accepted.")

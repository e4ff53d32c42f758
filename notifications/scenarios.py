"""The registry of scenarios: the occasions on which somebody on a list is told.

Apps add theirs from ``AppConfig.ready``. Source: *Packages reference, Scenarios*;
*Decisions, Packages and notifications*.
"""

from dataclasses import dataclass
from enum import IntEnum

from jobqueue.errors import NotFound


class Severity(IntEnum):
    """What decides a mail's subject when several scenarios match at one moment: the higher one does.

    Source: *Packages reference, One mail per person*.
    """

    START = 0
    SUCCESS = 10
    COMPLETION = 20
    RECOVERY = 30
    OVERRUN = 40
    MISSED = 50
    ERROR = 60
    STOP = 70


@dataclass(frozen=True, slots=True)
class Scenario:
    """An occasion a line can name.

    ``code`` is stored and stable; ``subject`` is what it is about (“package”, “entry”, …); ``sentence`` says when the
    recipient is told. ``is_failure``: goes to the company's default list where no list says otherwise.
    ``needs_minutes``: a line must say after how many minutes.
    """

    code: str
    caption: str
    severity: Severity
    subject: str
    sentence: str
    is_failure: bool = False
    needs_minutes: bool = False


_registry: dict[str, Scenario] = {}


def register(scenario: Scenario) -> Scenario:
    """Adds a scenario; registering an equal one again changes nothing. Raises ``ValueError`` if the code is taken."""
    if len(scenario.code) > 40:
        raise ValueError(f"The scenario code {scenario.code!r} is longer than 40 characters.")
    if _registry.setdefault(scenario.code, scenario) != scenario:
        raise ValueError(f"The scenario code {scenario.code!r} is already registered.")
    return scenario


def find(code: str) -> Scenario | None:
    return _registry.get(code)


def get(code: str) -> Scenario:
    """The scenario of that code; raises ``NotFound`` naming those there are."""
    try:
        return _registry[code]
    except KeyError:
        known = ", ".join(sorted(_registry))
        raise NotFound(
            f"There is no scenario “{code}”. Choose one of: {known}.", code="unknown_scenario"
        ) from None


def registered(subject: str | None = None) -> list[Scenario]:
    """All scenarios, or those about ``subject``, the most severe first."""
    found = [one for one in _registry.values() if subject in (None, one.subject)]
    return sorted(found, key=lambda one: (one.subject, -one.severity, one.caption))


def choices() -> list[tuple[str, str]]:
    """Code and caption for a selection field: “Entry: On Error”."""
    return [(one.code, f"{one.subject.capitalize()}: {one.caption}") for one in registered()]


def caption(code: str) -> str:
    """The caption, or the code itself where its app is no longer installed."""
    found = find(code)
    return found.caption if found is not None else code


def most_severe_first(codes: tuple[str, ...] | list[str] | set[str]) -> list[str]:
    """The registered ones among ``codes``, most severe first, each once."""
    known = [_registry[code] for code in dict.fromkeys(sorted(codes)) if code in _registry]
    return [one.code for one in sorted(known, key=lambda one: -one.severity)]

"""All cases, in the order they are played."""

from collections.abc import Callable, Iterator

from chaos.matrix import blows
from chaos.stage import Case, Stage

Play = Callable[[Stage, Case], None]


def cases(database: str, *, short: bool = False) -> Iterator[tuple[str, str, Play]]:
    """Fault, moment and function of each case for a database."""
    for blow in blows():
        yield blow.fault, blow.moment, blow

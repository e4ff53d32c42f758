"""How the demo company's functions tell what they do: the job object passes its run's log and progress."""

from collections.abc import Callable

Log = Callable[[str], object]
Progress = Callable[[int, int], object]


def silent(*_: object) -> None:
    """Tells nobody."""

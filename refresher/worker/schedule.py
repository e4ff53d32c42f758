"""When cycles begin: on a grid of so many minutes, each a little later by chance so that workers spread."""

from refresher.worker.configuration import Schedule


def next_planned(planned: float, *, now: float, schedule: Schedule) -> float:
    """The moment on the grid (seconds) after ``now``, counted from the cycle planned before; missed ones are left out.

    Hourly: planned at 0, now 20 → 3,600; planned at 0, now 7,300 → 10,800.
    """
    step = schedule.minutes * 60
    return planned + (max(0, int((now - planned) // step)) + 1) * step


def delayed(planned: float, *, schedule: Schedule, chance: float) -> float:
    """When the planned cycle begins; ``chance`` from 0 to 1. The delay is at most half a step, and never adds up."""
    return planned + min(schedule.jitter_minutes * 60, schedule.minutes * 30) * chance


def first_planned(stored: float | None, *, now: float, schedule: Schedule) -> float:
    """The first cycle after a start: the one planned before, if that is still to come; else now."""
    if stored is not None and now < stored <= now + schedule.minutes * 60:
        return stored
    return now

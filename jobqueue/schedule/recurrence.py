"""When a job repeats: the recurrence fields of an entry as one value, its checks and its words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from jobqueue.schedule.errors import InvalidField, NotRecurring, NoWeekday, ScheduleError
from jobqueue.schedule.formulas import DateFormula, refuse_standing_still
from jobqueue.schedule.windows import DailyWindow
from jobqueue.schedule.wording import recurrence_in_words
from jobqueue.schedule.zones import add_days, load_zone

ALL_DAYS = frozenset(range(1, 8))
MINUTES_PER_DAY = 1440
MAX_MINUTES = 2_147_483_647
MIN_INACTIVITY_MINUTES = 5

_WHOLE_YEAR_FROM = date(2024, 1, 1)
_WHOLE_YEAR_DAYS = 366


class Anchor(StrEnum):
    """What the next run is counted from: the end of the previous run, or a fixed grid of due times."""

    COMPLETION = "completion"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """On which days and times a job runs (*Job queue reference, Job Queue Entry, recurrence fields*).

    Weekdays are 1 (Monday) to 7; times of day are wall-clock times of ``time_zone``, None means unset, which is not
    midnight; ``minutes`` and ``inactivity_minutes`` are elapsed minutes. ``anchor_date`` matters only to a fixed
    grid of two days or more, whose days are counted from the first allowed day on or after it. Any values may be
    stored; ``validate`` says what is wrong with them.
    """

    weekdays: frozenset[int] = frozenset()
    minutes: int = 0
    starting_time: time | None = None
    ending_time: time | None = None
    formula: DateFormula | None = None
    time_zone: str = "UTC"
    anchor: Anchor = Anchor.COMPLETION
    anchor_date: date | None = None
    inactivity_minutes: int = MIN_INACTIVITY_MINUTES

    @property
    def is_recurring(self) -> bool:
        """True if a weekday or a date formula is set; minutes alone repeat nothing."""
        return bool(self.weekdays) or self.formula is not None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone. Raises *UnknownTimeZone*."""
        return load_zone(self.time_zone)

    @property
    def window(self) -> DailyWindow:
        """The times of day between which the job may start."""
        return DailyWindow(self.starting_time, self.ending_time)

    @property
    def days_between(self) -> int:
        """Days from one window of a fixed grid to the next: 1 below 2,880 minutes."""
        return max(1, self.minutes // MINUTES_PER_DAY)

    @property
    def needs_anchor_date(self) -> bool:
        """True for a fixed grid of two days or more, which has to be counted from somewhere."""
        return self.anchor == Anchor.FIXED and self.formula is None and self.days_between > 1

    def allows(self, day: date) -> bool:
        """Tell whether the day's weekday is ticked."""
        return day.isoweekday() in self.weekdays

    def anchored(self, day: date) -> Recurrence:
        """Return the recurrence with its grid counted from *day*, or from the first ticked day after it.

        An anchor date that is set already stays; a schedule that needs none is returned as it is.
        """
        if not self.needs_anchor_date:
            return self
        start = self.anchor_date or day
        self.require_weekday()
        while not self.allows(start):
            start = add_days(start, 1)
        return self if start == self.anchor_date else replace(self, anchor_date=start)

    def require_recurring(self) -> None:
        """Raise *NotRecurring* for a job that runs once, *NoWeekday* for one meant to repeat on no day."""
        if self.formula is None:
            self.require_weekday()

    def require_weekday(self) -> None:
        """Raise *NotRecurring* or *NoWeekday* unless at least one weekday is ticked."""
        if self.weekdays & ALL_DAYS:
            return
        if self.weekdays or self.minutes or not self.window.always_open:
            raise _no_weekday()
        raise NotRecurring(
            "The job runs once: it has neither a weekday nor a date formula, so there is no next run. "
            "Tick a weekday or enter a date formula to make it recurring."
        )

    def validate(self, *, today: date | None = None) -> list[ScheduleError]:
        """Return everything that is wrong with the fields; an empty list means they may be stored.

        *today* (in the job's zone) is the day from which a formula must lead forward; without it only a formula
        that leads forward on no day of a year is reported.
        """
        problems = [*self._range_problems(), *self._combination_problems()]
        for check in (lambda: self.zone, lambda: self._refuse_idle_formula(today)):
            try:
                check()
            except ScheduleError as problem:
                problems.append(problem)
        return problems

    def _range_problems(self) -> list[ScheduleError]:
        problems: list[ScheduleError] = []
        if strangers := sorted(self.weekdays - ALL_DAYS):
            problems.append(
                InvalidField(
                    f"There is no weekday {strangers[0]}. Use 1 (Monday) to 7 (Sunday).", code="weekday"
                )
            )
        for name, minutes in (
            ("No. of Minutes between Runs", self.minutes),
            ("Inactivity Timeout Period", self.inactivity_minutes),
        ):
            if not 0 <= minutes <= MAX_MINUTES:
                problems.append(
                    InvalidField(
                        f"{name} is {minutes}. Enter a whole number of minutes from 0 to {MAX_MINUTES:,}.",
                        code="minutes_out_of_range",
                    )
                )
        return problems

    def _combination_problems(self) -> list[ScheduleError]:
        problems: list[ScheduleError] = []
        if not self.is_recurring and (self.minutes > 0 or not self.window.always_open):
            problems.append(_no_weekday())
        if self.formula is not None and self.weekdays:
            problems.append(
                InvalidField(
                    "A job runs either on weekdays or by a date formula. Clear one of them.",
                    code="formula_excludes_weekdays",
                )
            )
        fixed = self.anchor == Anchor.FIXED
        if self.formula is not None and self.minutes > 0 and not fixed:
            problems.append(
                InvalidField(
                    "A date formula sets one run a day; minutes between runs would be ignored. Clear the minutes, "
                    "or count from fixed times.",
                    code="formula_excludes_minutes",
                )
            )
        if fixed and self.minutes > MINUTES_PER_DAY and self.minutes % MINUTES_PER_DAY:
            problems.append(
                InvalidField(
                    f"At fixed times, {self.minutes} minutes is neither less than a day nor a number of whole days. "
                    "Use up to 1,440 or a multiple of 1,440, or count after completion.",
                    code="minutes_not_whole_days",
                )
            )
        return problems

    def _refuse_idle_formula(self, today: date | None) -> None:
        if self.formula is None:
            return
        if today is None:
            refuse_standing_still(self.formula, today=_WHOLE_YEAR_FROM, days=_WHOLE_YEAR_DAYS)
        else:
            refuse_standing_still(self.formula, today=today)

    def explain(self) -> str:
        """Say the schedule in words: "Mon–Fri every 15 minutes from 08:00 to 17:00 (Europe/Copenhagen)"."""
        return recurrence_in_words(
            weekdays=self.weekdays,
            minutes=self.minutes,
            window=self.window,
            formula=self.formula,
            counts_from_completion=self.anchor == Anchor.COMPLETION,
            anchor_date=self.anchor_date,
            time_zone=self.time_zone,
        )


def _no_weekday() -> NoWeekday:
    return NoWeekday(
        "The job is meant to repeat but no weekday is ticked, so it would run without a pause or never. "
        "Tick at least one weekday, enter a date formula, or clear minutes, starting and ending time."
    )

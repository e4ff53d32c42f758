"""Errors of the schedule arithmetic: each has a stable code and says what was refused, why and what to do next."""

from __future__ import annotations


class ScheduleError(ValueError):
    """A schedule that cannot be read, is refused, or leads nowhere.

    ``code`` is a stable snake_case string for programs, ``message`` a sentence for people.
    """

    default_code = "schedule_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code


class FormulaSyntaxError(ScheduleError):
    """A date formula that the grammar does not allow (*Job queue reference, Date formulas*)."""

    default_code = "formula_syntax"


class StandingStill(ScheduleError):
    """A date formula that never leads to a later date."""

    default_code = "formula_stands_still"


class PastResult(ScheduleError):
    """A date formula that led to no later moment although it was applied to a whole year of days."""

    default_code = "past_result"


class DateOutOfRange(ScheduleError):
    """A date or moment outside the years 1 to 9999."""

    default_code = "date_out_of_range"


class UnknownTimeZone(ScheduleError):
    """A name that is not an IANA time zone."""

    default_code = "unknown_time_zone"


class NaiveMoment(ScheduleError):
    """A moment without a UTC offset, where only a definite moment will do."""

    default_code = "naive_moment"


class NotRecurring(ScheduleError):
    """A question only a recurring schedule can answer, put to one that runs once."""

    default_code = "not_recurring"


class NoWeekday(ScheduleError):
    """A schedule that repeats but is allowed on no day."""

    default_code = "no_weekday"


class NeverRuns(ScheduleError):
    """A schedule that has no further occurrence."""

    default_code = "never_runs"


class InvalidField(ScheduleError):
    """A recurrence field, or a combination of fields, outside what is allowed."""

    default_code = "invalid_field"


class InvalidQuery(ScheduleError):
    """A question about a schedule that cannot be read."""

    default_code = "invalid_query"

"""Pure schedule arithmetic: date formulas, windows, next runs, due times, retries. No database, no clock."""

from jobqueue.schedule.errors import (
    DateOutOfRange,
    FormulaSyntaxError,
    InvalidField,
    InvalidQuery,
    NaiveMoment,
    NeverRuns,
    NotRecurring,
    NoWeekday,
    PastResult,
    ScheduleError,
    StandingStill,
    UnknownTimeZone,
)
from jobqueue.schedule.formulas import DateFormula, refuse_standing_still
from jobqueue.schedule.grid import Slot, slots
from jobqueue.schedule.next_run import (
    align,
    inactivity_run,
    initial_run,
    next_after_completion,
    next_fixed,
    next_run,
    window_reschedule,
)
from jobqueue.schedule.occurrences import Gap, Occurrence, gap_between, occurrences, preview
from jobqueue.schedule.queries import answer, date_formula_answer
from jobqueue.schedule.recurrence import Anchor, Recurrence
from jobqueue.schedule.retry import Retry, retry_decision
from jobqueue.schedule.windows import DailyWindow
from jobqueue.schedule.zones import as_utc, load_zone, to_local, to_utc

__all__ = [
    "Anchor",
    "DailyWindow",
    "DateFormula",
    "DateOutOfRange",
    "FormulaSyntaxError",
    "Gap",
    "InvalidField",
    "InvalidQuery",
    "NaiveMoment",
    "NeverRuns",
    "NoWeekday",
    "NotRecurring",
    "Occurrence",
    "PastResult",
    "Recurrence",
    "Retry",
    "ScheduleError",
    "Slot",
    "StandingStill",
    "UnknownTimeZone",
    "align",
    "answer",
    "as_utc",
    "date_formula_answer",
    "gap_between",
    "inactivity_run",
    "initial_run",
    "load_zone",
    "next_after_completion",
    "next_fixed",
    "next_run",
    "occurrences",
    "preview",
    "refuse_standing_still",
    "retry_decision",
    "slots",
    "to_local",
    "to_utc",
    "window_reschedule",
]

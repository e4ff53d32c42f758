"""Date formulas such as ``CM+1D``: reading, applying, and saying in words.

Grammar and meaning: *Job queue reference, Date formulas*.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date

from jobqueue.schedule.errors import DateOutOfRange, FormulaSyntaxError, StandingStill
from jobqueue.schedule.zones import add_days

MAX_LENGTH = 20
MAX_NUMBER = 9999
DAYS_TRIED_AT_ENTRY = 31
DAYS_OF_A_YEAR = 366

_TERM = re.compile(r"(?P<count>[0-9]+)(?P<unit>[DWMQY])|C(?P<period>[DWMQY])|(?P<day>WD|D)(?P<number>[0-9]+)")
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_UNIT_WORDS = {"D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"}


@dataclass(frozen=True, slots=True)
class Term:
    """One step of a formula: ``kind`` is *count*, *period*, *month_day* or *weekday*; ``sign`` is 1 or -1."""

    kind: str
    sign: int
    unit: str = ""
    number: int = 0

    def __str__(self) -> str:
        match self.kind:
            case "count":
                return f"{self.number}{self.unit}"
            case "period":
                return f"C{self.unit}"
            case "month_day":
                return f"D{self.number}"
            case _:
                return f"WD{self.number}"

    def apply(self, day: date) -> date:
        """Return the date this step leads to from *day*."""
        match self.kind:
            case "count" if self.unit in _MONTHS:
                return _add_months(day, self.sign * self.number * _MONTHS[self.unit])
            case "count":
                return add_days(day, self.sign * self.number * (7 if self.unit == "W" else 1))
            case "period":
                return _edge_of_period(day, unit=self.unit, last=self.sign > 0)
            case "month_day":
                return _month_day(day, number=self.number, sign=self.sign)
            case _:
                return _weekday(day, number=self.number, sign=self.sign)

    def explain(self) -> str:
        """Say this step in words."""
        match self.kind:
            case "count":
                plural = "" if self.number == 1 else "s"
                return f"{self.number} {_UNIT_WORDS[self.unit]}{plural} {'later' if self.sign > 0 else 'earlier'}"
            case "period":
                return self._explain_period()
            case "month_day":
                short_months = " (or the last day of a shorter month)" if self.number > 28 else ""
                return f"the {_next_or_previous(self.sign)} {_ordinal(self.number)} of a month{short_months}"
            case _:
                return f"the {_next_or_previous(self.sign)} {calendar.day_name[self.number - 1]}"

    def _explain_period(self) -> str:
        if self.unit == "D":
            return "the same day"
        if self.unit == "W":
            return f"the {'Sunday' if self.sign > 0 else 'Monday'} of the week"
        return f"the {'last' if self.sign > 0 else 'first'} day of the {_UNIT_WORDS[self.unit]}"


@dataclass(frozen=True, slots=True)
class DateFormula:
    """A rule leading from one date to another; ``str()`` gives its canonical upper-case form."""

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> DateFormula:
        """Read a formula as typed: any case, blanks ignored, optionally in ``< >``.

        Raises *FormulaSyntaxError* for everything outside the grammar, also for the number 0 (it stands still).
        """
        body = _strip(text)
        terms = []
        for piece in re.findall(r"[+-]?[^+-]*", body):
            if piece:
                terms.append(_read_term(piece, text=body))
        return cls(tuple(terms))

    def __str__(self) -> str:
        text = "".join(("+" if term.sign > 0 else "-") + str(term) for term in self.terms)
        return text.removeprefix("+")

    def apply(self, day: date) -> date:
        """Return the date the formula leads to from *day*: ``CM+1D`` from 10 Feb 2026 is 1 Mar 2026.

        Raises *DateOutOfRange* if any step leaves the years 1 to 9999.
        """
        for term in self.terms:
            day = term.apply(day)
        return day

    def explain(self) -> str:
        """Say the formula in words: "first the last day of the month, then 1 day later"."""
        steps = [term.explain() for term in self.terms]
        if len(steps) == 1:
            return steps[0]
        return "first " + ", then ".join(steps)

    def steps_forward_from(self, today: date, *, days: int = DAYS_TRIED_AT_ENTRY) -> bool:
        """Tell whether the formula leads to a later date from *today* or any of the next *days* days."""
        candidates = (add_days(today, extra) for extra in range(days + 1))
        return any(self.apply(day) > day for day in candidates)

    def first_result_from(self, day: date) -> date | None:
        """Return the first date not before *day* that the formula leads to from any date; None if none is near.

        ``CM`` from 10 Feb 2026 is 28 Feb; ``2W`` is *day* itself, because every date is two weeks after another.
        """
        reach = max(0, (self.apply(day) - day).days)
        low = max(date.min.toordinal(), day.toordinal() - reach - 2 * DAYS_OF_A_YEAR)
        high = min(date.max.toordinal(), day.toordinal() + DAYS_OF_A_YEAR)
        # No term leads from a later date to an earlier one, so halving finds the first date that serves.
        while low < high:
            middle = (low + high) // 2
            if self.apply(date.fromordinal(middle)) >= day:
                high = middle
            else:
                low = middle + 1
        result = self.apply(date.fromordinal(low))
        return result if result >= day else None


def refuse_standing_still(formula: DateFormula, *, today: date, days: int = DAYS_TRIED_AT_ENTRY) -> None:
    """Raise *StandingStill* if *formula* leads to no later date on any of the days from *today* on.

    The check made when a formula is entered (*Job queue reference, Next-run time, past results*).
    """
    if not formula.steps_forward_from(today, days=days):
        raise StandingStill(
            f"The date formula {formula} means {formula.explain()}, which is never later than the day it starts from, "
            "so the job would run again and again. Use a formula that moves forward, such as 1D, WD1 or CM+1D."
        )


def _strip(text: str) -> str:
    if not isinstance(text, str):
        raise FormulaSyntaxError("A date formula is a text such as 1D, WD1 or CM+1D.")
    body = "".join(text.split()).upper()
    if body.startswith("<") and body.endswith(">"):
        body = body[1:-1]
    if not body:
        raise FormulaSyntaxError(
            "The date formula is empty. Write one such as 1D, WD1 or CM+1D.", code="formula_empty"
        )
    if len(body) > MAX_LENGTH:
        raise FormulaSyntaxError(
            f"The date formula is {len(body)} characters long; at most {MAX_LENGTH} are allowed. Shorten it.",
            code="formula_too_long",
        )
    return body


def _read_term(piece: str, *, text: str) -> Term:
    sign = -1 if piece.startswith("-") else 1
    body = piece.lstrip("+-")
    match = _TERM.fullmatch(body)
    if match is None:
        raise _syntax_error(body, text=text)
    if match["count"]:
        number = _in_range(match["count"], highest=MAX_NUMBER, body=body, text=text)
        return Term("count", sign, unit=match["unit"], number=number)
    if match["period"]:
        return Term("period", sign, unit=match["period"])
    if match["day"] == "D":
        return Term("month_day", sign, number=_in_range(match["number"], highest=31, body=body, text=text))
    return Term("weekday", sign, number=_in_range(match["number"], highest=7, body=body, text=text))


def _in_range(digits: str, *, highest: int, body: str, text: str) -> int:
    number = int(digits)
    if 1 <= number <= highest:
        return number
    raise FormulaSyntaxError(
        f"In the date formula {_shown(text)}, the number in {body} must be between 1 and {highest}. Correct it.",
        code="formula_number",
    )


def _syntax_error(body: str, *, text: str) -> FormulaSyntaxError:
    shown = _shown(text)
    if not body:
        return FormulaSyntaxError(
            f"In the date formula {shown}, a sign is not followed by a term. Add a term such as 1D, or remove the sign."
        )
    if body in ("D", "WD", *_UNIT_WORDS):
        reason = f"{body} lacks its number (1{body[-1]} counts, D15 is a day of the month, WD1 a Monday)"
    elif body.isdigit():
        reason = f"{body} lacks its unit D, W, M, Q or Y"
    else:
        reason = f"{_shown(body)} is not a term"
    return FormulaSyntaxError(
        f"In the date formula {shown}, {reason}. Terms are 2W (a count of D, W, M, Q or Y), CM (the end of a period), "
        "D15 (a day of the month) and WD1 (a weekday), joined by + or -."
    )


def _shown(text: str) -> str:
    return text if text.isascii() and text.isprintable() else ascii(text)


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return _clamped(year=index // 12, month=index % 12 + 1, day=day.day)


def _clamped(*, year: int, month: int, day: int) -> date:
    """Return that day of the month, or the month's last one if it is shorter."""
    if not 1 <= year <= 9999:
        raise DateOutOfRange(f"The date formula leads to the year {year}; only the years 1 to 9999 exist.")
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _edge_of_period(day: date, *, unit: str, last: bool) -> date:
    if unit == "D":
        return day
    if unit == "W":
        return add_days(day, 7 - day.isoweekday() if last else 1 - day.isoweekday())
    length = _MONTHS[unit]
    first_month = (day.month - 1) // length * length + 1
    if last:
        return _clamped(year=day.year, month=first_month + length - 1, day=31)
    return date(day.year, first_month, 1)


def _month_day(day: date, *, number: int, sign: int) -> date:
    same_month = _clamped(year=day.year, month=day.month, day=number)
    if (same_month > day) if sign > 0 else (same_month < day):
        return same_month
    neighbour = _add_months(day.replace(day=1), sign)
    return _clamped(year=neighbour.year, month=neighbour.month, day=number)


def _weekday(day: date, *, number: int, sign: int) -> date:
    distance = (sign * (number - day.isoweekday()) - 1) % 7 + 1
    return add_days(day, sign * distance)


def _next_or_previous(sign: int) -> str:
    return "next" if sign > 0 else "previous"


def _ordinal(number: int) -> str:
    if 11 <= number <= 13:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"

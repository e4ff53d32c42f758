"""The daily window: between which times of day a job may start.

Source: *Job queue reference, Dispatcher, daily window test*. An unset time is not midnight: unset means no limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from jobqueue.schedule.errors import DateOutOfRange
from jobqueue.schedule.zones import MIDNIGHT, add_days, as_utc, to_local, to_utc


@dataclass(frozen=True, slots=True)
class DailyWindow:
    """A window on the wall clock, both ends included; it crosses midnight if it ends earlier than it starts."""

    starting_time: time | None = None
    ending_time: time | None = None

    @property
    def crosses_midnight(self) -> bool:
        """True if the window ends on the day after it opened. An unset start is earlier than every end."""
        if self.starting_time is None or self.ending_time is None:
            return False
        return self.starting_time > self.ending_time

    @property
    def always_open(self) -> bool:
        """True if neither end is set."""
        return self.starting_time is None and self.ending_time is None

    @property
    def is_a_point(self) -> bool:
        """True if both ends are set and equal: the test of the window then takes them as a start only."""
        return self.starting_time is not None and self.starting_time == self.ending_time

    @property
    def opens_at(self) -> time:
        """The time of day at which the window opens: the start, or midnight if unset."""
        return self.starting_time or MIDNIGHT

    def contains(self, at: time) -> bool:
        """Tell whether the time of day lies in the window; equal ends count as a start only.

        22:00-02:00 contains 23:00 and 01:00, not 12:00; 11:00-11:00 contains everything from 11:00 on.
        """
        start, end = self.starting_time, self.ending_time
        if start is None:
            return end is None or at <= end
        if end is None or start == end:
            return at >= start
        if start > end:
            return at >= start or at <= end
        return start <= at <= end

    def is_open(self, moment: datetime, *, zone: ZoneInfo) -> bool:
        """Tell whether a job may start at *moment*.

        By the time of day, and besides while the window of a day is open that a clock change has shifted:
        02:00-02:30 on a day without those minutes is open from 03:00 to 03:30, so that the day is not lost.
        """
        local = to_local(moment, zone=zone)
        if self.contains(local.time()):
            return True
        return any(self._is_open_on(local.date(), back, moment=moment, zone=zone) for back in (0, 1, 2))

    def _is_open_on(self, day: date, back: int, *, moment: datetime, zone: ZoneInfo) -> bool:
        try:
            opens, closes = self.bounds(add_days(day, -back), zone=zone)
        except DateOutOfRange:
            return False
        if self.ending_time is None or self.is_a_point:
            return opens <= moment < closes
        if closes < opens:
            # The clock jumped over the opening and past the end: stay open as long as on other days.
            start, end = (datetime.combine(date.min, at) for at in (self.opens_at, self.ending_time))
            closes = opens + (end - start)
        return opens <= moment <= closes

    def bounds(self, day: date, *, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the UTC moments between which the window that starts on *day* is open.

        Without an end, or with equal ends, the second one is the next midnight and no longer belongs to the window.
        """
        opens = to_utc(day, self.opens_at, zone=zone)
        if self.ending_time is None or self.is_a_point:
            return opens, to_utc(add_days(day, 1), MIDNIGHT, zone=zone)
        end_day = add_days(day, 1) if self.crosses_midnight else day
        return opens, to_utc(end_day, self.ending_time, zone=zone)

    def next_opening(self, moment: datetime, *, zone: ZoneInfo) -> datetime:
        """Return the first UTC moment at or after *moment* at which the window opens on some day.

        A window that never closes is open already: *moment* itself. Raises *DateOutOfRange* after the year 9999.
        """
        moment = as_utc(moment)
        if self.always_open:
            return moment
        day = add_days(to_local(moment, zone=zone).date(), -1)
        while (opens := to_utc(day, self.opens_at, zone=zone)) < moment:
            day = add_days(day, 1)
        return opens

"""``Mon 30 Nov 2026 08:30``: the day's name, no a.m. and p.m."""

DATE_FORMAT = "D j M Y"
DATETIME_FORMAT = "D j M Y H:i:s"
TIME_FORMAT = "H:i:s"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y H:i"

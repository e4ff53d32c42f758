"""What a browser sends for the forms of packages as they stand, with some fields filled in."""

from typing import Any

from packages.models import Package

WEEKDAYS = ("mondays", "tuesdays", "wednesdays", "thursdays", "fridays", "saturdays", "sundays")


def card_form(package: Package | None = None, **values: Any) -> dict[str, str]:
    """The package card, left as it is unless ``values`` say otherwise; a value of None is not sent."""
    data: dict[str, Any] = {
        "name": package.name if package else "",
        "description": package.description if package else "",
        "on_error": package.on_error if package else "stop",
        "time_zone": package.time_zone if package else "UTC",
        "run_as_user": (package.run_as_user_id or "") if package else "",
        "missed_run": package.missed_run if package else "run_late",
        "late_tolerance_minutes": package.late_tolerance_minutes if package else 5,
        "max_duration_minutes": package.max_duration_minutes if package else 0,
        "recurrence-TOTAL_FORMS": 0,
        "recurrence-INITIAL_FORMS": 0,
        "line-TOTAL_FORMS": 0,
        "line-INITIAL_FORMS": 0,
    }
    if package is not None:
        data["expected_revision"] = package.revision
        lines = list(package.lines.all())
        data["line-TOTAL_FORMS"] = data["line-INITIAL_FORMS"] = len(lines)
        for number, line in enumerate(lines):
            data |= {f"line-{number}-id": line.pk, f"line-{number}-run_order": line.run_order}
            if line.enabled:
                data[f"line-{number}-enabled"] = "on"
        rows = list(package.recurrences.all())
        data["recurrence-TOTAL_FORMS"] = data["recurrence-INITIAL_FORMS"] = len(rows)
        for number, row in enumerate(rows):
            data |= recurrence(number, id=row.pk, days=sorted(row.weekdays), at=row.starting_time or "")
    return {name: str(value) for name, value in {**data, **values}.items() if value is not None}


def recurrence(number: int, *, days: Any = (), at: Any = "", **values: Any) -> dict[str, str]:
    """One recurrence of the card; ``days`` as numbers, Monday = 1."""
    prefix = f"recurrence-{number}-"
    data: dict[str, Any] = {"enabled": "on", "starting_time": at, **values}
    data |= {f"run_on_{WEEKDAYS[day - 1]}": "on" for day in days}
    return {prefix + name: str(value) for name, value in data.items() if value is not None}


def line_form(number: int, **values: Any) -> dict[str, str]:
    """One line of *Set Job Queues*, new unless ``line_id`` is given."""
    data: dict[str, Any] = {
        "run_order": (number + 1) * 10,
        "object_type": 5,
        "object_id": 90001,
        "description": "",
        "category_code": "",
        "parameter_string": "",
        "record_to_process": "",
        "max_attempts": 0,
        "rerun_delay_seconds": 0,
        "timeout_seconds": 43200,
        "priority": 0,
        "priority_within_category": 2000,
        "on_error": "",
        "enabled": "on",
        **values,
    }
    return {f"line-{number}-{name}": str(value) for name, value in data.items() if value is not None}


def lines_form(package: Package, *lines: dict[str, str], **values: Any) -> dict[str, str]:
    """The whole page *Set Job Queues*."""
    data: dict[str, Any] = {"line-TOTAL": len(lines), "expected_revision": package.revision, "_save": ""}
    for line in lines:
        data |= line
    return {name: str(value) for name, value in {**data, **values}.items() if value is not None}

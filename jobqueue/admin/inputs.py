"""Inputs for dates and times: the browser's own pickers, which also work in dialogs and without scripts."""

from typing import Any

from django import forms
from unfold.widgets import INPUT_CLASSES

LOOK = {"class": " ".join(INPUT_CLASSES)}


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({**LOOK, **(attrs or {})}, format="%Y-%m-%d")


class TimeInput(forms.TimeInput):
    """Seconds are offered only where the value has some."""

    input_type = "time"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({**LOOK, **(attrs or {})})

    def format_value(self, value: Any) -> str | None:
        shown = super().format_value(value)
        return shown.removesuffix(":00") if shown and shown.count(":") == 2 else shown


class MomentInput(forms.DateTimeInput):
    """Date and time in one, in the viewer's zone; seconds are offered only where the value has some."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({**LOOK, **(attrs or {})}, format="%Y-%m-%dT%H:%M:%S")

    def format_value(self, value: Any) -> str | None:
        shown = super().format_value(value)
        return shown.removesuffix(":00") if shown and shown.count(":") == 2 else shown

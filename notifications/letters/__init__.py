"""Letters: occasions put into the words of a recipient, the same for every channel."""

from notifications.letters.letter import Fact, Failure, Letter, Link, Row, Severity, Table
from notifications.letters.rendering import LANGUAGES, Rendered, add_template, compose, known_language, render

__all__ = [
    "LANGUAGES",
    "Fact",
    "Failure",
    "Letter",
    "Link",
    "Rendered",
    "Row",
    "Severity",
    "Table",
    "add_template",
    "compose",
    "known_language",
    "render",
]

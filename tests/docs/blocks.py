"""Fenced code blocks of the documentation."""

import re
from pathlib import Path

from django.conf import settings

FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def text_of(name: str) -> str:
    return (Path(settings.BASE_DIR) / name).read_text(encoding="utf-8")


def blocks(name: str, *, language: str) -> list[str]:
    """The blocks of one language in a page, in their order."""
    return [body for _, found, body in FENCE.findall(text_of(name)) if found == language]

import ast
import re
from pathlib import Path

from django.conf import settings

from .blocks import text_of

ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
READERS = {
    "apps",
    "text",
    "flag",
    "number",
    "optional_number",
    "names",
    "choice",
    "time_zone",
    "database",
    "cache",
    "email",
    "folder",
}
ONLY_FOR_THE_BENCHMARK = {"BENCH_DATABASE_URL", "BENCH_PROFILE"}


def documented() -> dict[str, str]:
    return {name: default for name, default, _ in ROW.findall(text_of("docs/settings.md"))}


def read() -> dict[str, ast.Call]:
    """Every variable the settings read, with the call that reads it first."""
    found: dict[str, ast.Call] = {}
    for path in (Path(settings.BASE_DIR) / "config").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in READERS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "env"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found.setdefault(node.args[0].value, node)
    return found


def test_every_variable_is_described_and_no_other():
    assert set(documented()) - ONLY_FOR_THE_BENCHMARK == set(read())


def test_defaults_are_those_of_the_settings():
    wrong = []
    for name, call in read().items():
        given = next((word.value for word in call.keywords if word.arg == "default"), None)
        if isinstance(given, ast.Constant) and given.value not in (None, ""):
            value = (
                {True: "on", False: "off"}.get(given.value)
                if isinstance(given.value, bool)
                else str(given.value)
            )
            if documented()[name] != f"`{value}`":
                wrong.append((name, documented()[name], value))
    assert wrong == []

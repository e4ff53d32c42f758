"""The catalogues: every sentence of the letters in every language, and compiled as it is written."""

import gettext
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "notifications" / "locale"
STRING = r'"((?:[^"\\]|\\.)*)"'
PLACE = re.compile(r"%\(\w+\)[sd]")


def translations(language: str) -> gettext.GNUTranslations:
    with (FOLDER / language / "LC_MESSAGES" / "django.mo").open("rb") as compiled:
        return gettext.GNUTranslations(compiled)


def sentences() -> set[str]:
    """The first text of every marked call in the letters."""
    found = set()
    for file in (ROOT / "notifications" / "letters").glob("*.py"):
        for call in re.finditer(
            r"(_|gettext_noop|ngettext|pgettext)\(\s*((?:" + STRING + r"\s*,?\s*)+)", file.read_text()
        ):
            texts = [text.replace('\\"', '"') for text in re.findall(STRING, call[2])]
            found.add(texts[1] if call[1] == "pgettext" else texts[0])
    return found


@pytest.mark.parametrize("language", ["de", "nl"])
def test_every_sentence_is_translated(language):
    catalogue = translations(language)._catalog  # type: ignore[attr-defined]
    known = {key[0] if isinstance(key, tuple) else key for key in catalogue if key}
    known = {key.partition("\x04")[2] or key for key in known}
    wanted = sentences()
    assert len(wanted) > 100
    assert wanted - known == set()


@pytest.mark.parametrize("language", ["de", "nl"])
def test_translations_keep_every_placeholder(language):
    for key, text in translations(language)._catalog.items():  # type: ignore[attr-defined]
        original = key[0] if isinstance(key, tuple) else key
        assert text, original
        assert set(PLACE.findall(text)) == set(PLACE.findall(original)) or not original, original


@pytest.mark.parametrize("language", ["de", "nl"])
def test_what_is_compiled_is_what_is_written(language, tmp_path):
    folder = FOLDER / language / "LC_MESSAGES"
    try:
        subprocess.run(
            ["msgfmt", "-o", tmp_path / "new.mo", folder / "django.po"], check=True, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("gettext is not installed (Debian, Ubuntu: apt-get install gettext).")
    with Path(tmp_path / "new.mo").open("rb") as fresh:
        assert gettext.GNUTranslations(fresh)._catalog == translations(language)._catalog  # type: ignore[attr-defined]

"""The typeface of PDF documents: Roboto (SIL Open Font License), cut down to the characters a document uses.

Roboto covers Latin with all European accents, Greek, Cyrillic and Vietnamese. It comes as one variable font; making
its regular and bold cuts whole takes a second, making them for the used characters only a tenth of that.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

FAMILY = "Roboto"
_WEIGHTS = {"": 400, "B": 700}
_ALWAYS = "".join(map(chr, range(0x20, 0x7F))) + "\u00a0\ufffd…"


@contextmanager
def font_files(text: str) -> Iterator[dict[str, Path]]:
    """Font files holding the characters of ``text``, by style (regular ``""``, bold ``"B"``), for the block only."""
    characters = set(text) | set(_ALWAYS)
    with as_file(_source()) as source, TemporaryDirectory(prefix="jobwarden-font-") as folder:
        yield {
            style: _cut(
                source, weight=weight, characters=characters, to=Path(folder) / f"{FAMILY}-{weight}.ttf"
            )
            for style, weight in _WEIGHTS.items()
        }


def missing_characters(text: str) -> list[str]:
    """The characters of ``text`` the typeface cannot show, in order; line breaks do not count."""
    with as_file(_source()) as source, TTFont(source, lazy=True) as font:
        known = font.getBestCmap()
    return sorted({sign for sign in text if ord(sign) not in known and sign not in "\n\r\t"})


def _source():
    return files("fontpkg_roboto") / "files" / "Roboto[wdth,wght].ttf"


def _cut(source: Path, *, weight: int, characters: set[str], to: Path) -> Path:
    options = subset.Options()
    options.layout_features = ["kern", "mark", "mkmk", "ccmp"]
    options.notdef_outline = True
    with warnings.catch_warnings(), TTFont(source, lazy=True) as font:
        warnings.simplefilter("ignore")
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="".join(sorted(characters)))
        subsetter.subset(font)
        instancer.instantiateVariableFont(font, {"wght": weight, "wdth": 100}, inplace=True)
        font.save(to)
    return to

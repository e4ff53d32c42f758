"""How the contract spells names: members of options and enums, keys in addresses, languages by number."""

import locale
import re
from uuid import UUID

_PLAIN = re.compile(r"[^A-Za-z0-9_]")
_ENCODED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_OTHER_TAGS = {"zh-hans": 2052, "zh-hant": 1028, "no": 1044}


def encode(words: str) -> str:
    """Words as a member name: ``On Hold`` becomes ``On_x0020_Hold``."""
    return _PLAIN.sub(lambda found: f"_x{ord(found[0]):04X}_", words)


def decode(name: str) -> str:
    """A member name as words; what is written in words already stays as it is."""
    return _ENCODED.sub(lambda found: chr(int(found[1], 16)), name)


def key_of(text: str) -> UUID | None:
    """The id in the parentheses of an address, with or without quotes or the name of the key; None if it is none."""
    text = text.strip()
    if text.lower().startswith("id="):
        text = text[3:].strip()
    if len(text) >= 2 and text[0] == text[-1] == "'":
        text = text[1:-1]
    return guid_of(text)


def guid_of(text: str) -> UUID | None:
    """The GUID written with dashes and without braces; None if the text is none."""
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        return None
    return UUID(text)


def language_number(tag: str) -> int:
    """The Windows language number (LCID) of a language tag: 1033 for “en”, 0 for one without a number."""
    tag = tag.lower().replace("_", "-")
    return _NUMBERS.get(tag) or _NUMBERS.get(tag.partition("-")[0], 0)


def language_tag(number: int) -> str | None:
    """The shortest tag of a Windows language number; None for an unknown one."""
    full = locale.windows_locale.get(number)
    if full is None:
        return None
    tag = full.lower().replace("_", "-")
    main = tag.partition("-")[0]
    return main if _NUMBERS.get(main) == number else tag


def _numbers() -> dict[str, int]:
    found = dict(_OTHER_TAGS)
    for number, name in locale.windows_locale.items():
        tag = name.lower().replace("_", "-")
        found.setdefault(tag, number)
        if number >> 10 == 1:  # the language's main region
            found.setdefault(tag.partition("-")[0], number)
    return found


_NUMBERS = _numbers()

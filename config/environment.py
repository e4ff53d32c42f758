"""Reads settings from the process environment.

A value that cannot be used never raises here: the setting gets a harmless stand-in and the fault is kept as a
:class:`Problem`. System checks report all of them together, with id and hint, and nothing starts (``config/checks``).
Any variable may be given as a file instead: ``SECRET_KEY_FILE=/run/secrets/key`` (django-environ's file-aware reader).
"""

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import environ
from environ.fileaware_mapping import FileAwareMapping

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
Fallback = TypeVar("Fallback", int, None)
DATABASE_ENGINES = frozenset({"django.db.backends.postgresql", "django.db.backends.sqlite3"})
COUNTING = {
    "django.core.cache.backends.db.DatabaseCache": "config.counting_caches.CountingDatabaseCache",
    "django.core.cache.backends.filebased.FileBasedCache": "config.counting_caches.CountingFileCache",
}
UNSHARED_NAMES = ("", None, ":memory:")  # web server and workers are processes of their own


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of the configuration: a check id, what is wrong, and what to do about it."""

    id: str
    message: str
    hint: str


class Environment:
    """Typed access to environment variables; an empty value counts as unset."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = FileAwareMapping(dict(values))
        self.problems: list[Problem] = []

    def report(self, id: str, *, message: str, hint: str) -> None:
        problem = Problem(id, message, hint)
        if problem not in self.problems:
            self.problems.append(problem)

    def text(self, name: str, *, default: str = "") -> str:
        try:
            return self._values.get(name, "").strip() or default
        except (OSError, UnicodeDecodeError) as error:
            self.report(
                "config.E001",
                message=f"{name}_FILE names a file that cannot be read: {error}.",
                hint=f"Correct the path, make the file readable for this user, or set {name} instead.",
            )
            return default

    def flag(self, name: str, *, default: bool | None) -> bool | None:
        word = self.text(name).lower()
        if word in TRUE_WORDS:
            return True
        if word and word not in FALSE_WORDS:
            self._unreadable(name, value=word, wanted="on or off")
            return default
        return False if word else default

    def number(self, name: str, *, default: int, least: int = 1, most: int = 2**31 - 1) -> int:
        return self._number(name, default=default, least=least, most=most)

    def optional_number(self, name: str, *, least: int = 1) -> int | None:
        """``None`` when unset: "no limit"."""
        return self._number(name, default=None, least=least, most=2**31 - 1)

    def names(self, name: str, *, default: Collection[str] = ()) -> list[str]:
        """A comma-separated list; blanks around the parts are ignored."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()] or list(default)

    def choice(self, name: str, *, choices: Collection[str], default: str) -> str:
        word = self.text(name, default=default).lower()
        if word in choices:
            return word
        self._unreadable(name, value=word, wanted=f"one of {', '.join(choices)}")
        return default

    def apps(self, name: str) -> list[str]:
        """Installable Django apps, by module or by the path of their configuration class; unknown ones are left out."""
        wanted = self.names(name)
        found = [app for app in wanted if _is_importable(app) or _is_importable(app.rpartition(".")[0])]
        for app in set(wanted) - set(found):
            self.report(
                "config.E016",
                message=f"{name} names '{app}', and there is no such Python module.",
                hint="Correct the name, or put the folder that holds the module on PYTHONPATH.",
            )
        return found

    def time_zone(self, name: str, *, default: str) -> str:
        zone = self.text(name, default=default)
        try:
            ZoneInfo(zone)
        except (
            KeyError,
            OSError,
            ValueError,
        ):  # unknown keys, paths outside the data, and folders such as "Europe"
            self.report(
                "config.E005",
                message=f"{name} is '{zone}', which is no IANA time zone.",
                hint="Use a name such as UTC, Europe/Brussels or America/New_York.",
            )
            return default
        return zone

    def folder(self, name: str, *, default: str, base: Path) -> Path:
        """A folder of this user's own, made (mode 0700) when it is missing; a relative one lies in ``base``."""
        folder = base / Path(self.text(name, default=default)).expanduser()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            self.report(
                "config.E009",
                message=f"{name} cannot be used: {error}.",
                hint=f"Set {name} to a folder this user may read and write.",
            )
        return folder

    def database(self, name: str, *, default: Path | None = None) -> dict[str, Any]:
        """Django's settings of a database URL, or of the SQLite file ``default`` when there is none.

        An unusable URL yields a backend that refuses every query.
        """
        url = self.text(name)
        if default and not url:
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(default)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found: dict[str, Any] = environ.Env.db_url_config(url)
        except (ValueError, TypeError, KeyError, UserWarning):
            found = {}
        if found.get("ENGINE") in DATABASE_ENGINES and found.get("NAME") not in UNSHARED_NAMES:
            return found
        self.report(
            "config.E006",
            message=f"{name} is not the URL of a PostgreSQL or SQLite database.",
            hint="Write postgres://user:password@host:5432/name, or sqlite:////absolute/path/db.sqlite3.",
        )
        return {"ENGINE": "django.db.backends.dummy"}

    def email(self, name: str, *, default: Path) -> dict[str, Any]:
        """Django's ``EMAIL_…`` settings of a mail URL; without one, mails are files in the folder ``default``."""
        into_files = {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(default),
        }
        url = self.text(name)
        if not url:
            return into_files
        try:
            found: dict[str, Any] = environ.Env.email_url_config(url)
        except (ValueError, environ.ImproperlyConfigured):
            self.report(
                "config.E007",
                message=f"{name} is not a usable mail URL.",
                hint="Write smtp+tls://user:password@host:587, smtp+ssl://…:465, smtp://host:25, "
                "filemail:///absolute/folder or consolemail://.",
            )
            return into_files
        found.pop("OPTIONS", None)
        if not str(found["EMAIL_BACKEND"]).endswith("filebased.EmailBackend"):
            found.pop("EMAIL_FILE_PATH", None)
        return {key: value for key, value in found.items() if value is not None}

    def cache(self, name: str, *, default: Path) -> dict[str, Any]:
        """Django's settings of a cache URL; without one, files in the folder ``default``."""
        in_files = {
            "BACKEND": "config.counting_caches.CountingFileCache",
            "LOCATION": str(default),
            "OPTIONS": {"MAX_ENTRIES": 10_000},
        }
        url = self.text(name)
        if not url:
            return in_files
        try:
            found: dict[str, Any] = environ.Env.cache_url_config(url)
        except (ValueError, KeyError, environ.ImproperlyConfigured):
            self.report(
                "config.E017",
                message=f"{name} is not the URL of a cache.",
                hint="Write rediscache://host:6379/0 (needs the Python package redis), filecache:///absolute/folder or "
                "dbcache://table (after 'manage.py createcachetable').",
            )
            return in_files
        return found | {"BACKEND": COUNTING.get(found["BACKEND"], found["BACKEND"])}

    def _number(self, name: str, *, default: Fallback, least: int, most: int) -> int | Fallback:
        text = self.text(name)
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if least <= value <= most:
            return value
        self._unreadable(name, value=text, wanted=f"a whole number from {least} to {most}")
        return default

    def _unreadable(self, name: str, *, value: str, wanted: str) -> None:
        self.report(
            "config.E001",
            message=f"{name} is '{value}', which is not {wanted}.",
            hint=f"Correct the environment variable {name} or remove it.",
        )


def _is_importable(module: str) -> bool:
    try:
        return bool(module) and find_spec(module) is not None
    except (ImportError, ValueError):
        return False

"""Reading the configuration: the file, then the environment over it; every problem at once, each with its way out."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from refresher.worker import configuration
from refresher.worker.configuration import Configuration, Runner

PREFIX = "JOBWARDEN_WORKER_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
SECTIONS: dict[str, type[Any]] = {
    "product": configuration.Product,
    "login": configuration.Login,
    "schedule": configuration.Schedule,
    "retry": configuration.Retry,
    "status": configuration.Status,
    "alarm": configuration.Alarm,
    "mail": configuration.Mail,
    "webhook": configuration.Webhook,
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


class ConfigurationError(Exception):
    """The configuration cannot be used; ``problems`` are sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def load(path: Path, environment: Mapping[str, str]) -> Configuration:
    """The configuration of the file with the environment over it; raises ``ConfigurationError``."""
    return _Reading(path, environment).result()


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        sentence = f"There is no configuration file “{path}”. Name it with --config or {FILE_VARIABLE}."
    except OSError as error:
        sentence = (
            f"The configuration file “{path}” cannot be read: {error.strerror}. Check its owner and mode."
        )
    except UnicodeDecodeError:
        sentence = f"The configuration file “{path}” is not UTF-8. Save it as such."
    except tomllib.TOMLDecodeError as error:
        sentence = (
            f"The configuration file “{path}” is not TOML: {str(error).rstrip('.')}. Correct that place."
        )
    raise ConfigurationError([sentence])


class _Reading:
    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.folder = path.resolve().parent
        self.values = _read(path)
        self.environment = {
            name: text
            for name, text in environment.items()
            if name.startswith(PREFIX) and name != FILE_VARIABLE
        }
        self.used: set[str] = set()
        self.problems: list[str] = []

    def result(self) -> Configuration:
        for name in self.values.keys() - SECTIONS.keys() - {"runners"}:
            self.problems.append(
                f"There is no section “{name}”. Known are: {', '.join([*SECTIONS, 'runners'])}."
            )
        sections = {name: self._section(name, kind) for name, kind in SECTIONS.items()}
        found = Configuration(**sections, runners=self._runners(), folder=self.folder)
        for name in sorted(self.environment.keys() - self.used):
            self.problems.append(f"The environment variable {name} names no option. Check its spelling.")
        if not self.problems:
            self.problems += consistency_problems(found)
        if self.problems:
            raise ConfigurationError(self.problems)
        return found

    def _section(self, name: str, kind: type[Any]) -> Any:
        given = self.values.get(name, {})
        if not isinstance(given, dict):
            self.problems.append(f"“{name}” is no section. Write its options below a line [{name}].")
            given = {}
        return self._filled(kind, dict(given), place=f"{name}.", variable=f"{PREFIX}{name.upper()}_")

    def _runners(self) -> tuple[Runner, ...]:
        given = self.values.get("runners", [])
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            self.problems.append("“runners” is no list of runner users. Begin each with a line [[runners]].")
            return ()
        found = []
        for number, one in enumerate(given, start=1):
            name = str(one.get("name") or number)
            variable = f"{PREFIX}RUNNER_{re.sub(r'[^A-Z0-9]', '_', name.upper())}_"
            found.append(self._filled(Runner, dict(one), place=f"runner “{name}”: ", variable=variable))
        return tuple(found)

    def _filled(self, kind: type[Any], given: dict[str, Any], *, place: str, variable: str) -> Any:
        hints, values = get_type_hints(kind), {}
        for one in fields(kind):
            value = self._value(one, given, place=place, variable=variable)
            if value is not None:
                values[one.name] = self._checked(one, hints[one.name], value, name=f"{place}{one.name}")
        for unknown in given:
            known = ", ".join(one.name for one in fields(kind))
            self.problems.append(f"{place}{unknown}: there is no such option. Known are: {known}.")
        return kind(**{name: value for name, value in values.items() if value is not None})

    def _value(self, one: Field[Any], given: dict[str, Any], *, place: str, variable: str) -> Any:
        """From the environment, else from the file; secrets also from a file of their own."""
        written = given.pop(one.name, None)
        named = given.pop(f"{one.name}_file", None) if one.metadata["secret"] else None
        upper = f"{variable}{one.name.upper()}"
        if upper in self.environment:
            self.used.add(upper)
            return self.environment[upper]
        if one.metadata["secret"] and f"{upper}_FILE" in self.environment:
            self.used.add(f"{upper}_FILE")
            named, written = self.environment[f"{upper}_FILE"], None
        if named is None:
            return written
        if written is not None:
            self.problems.append(f"{place}{one.name} and {one.name}_file are both given. Keep one of them.")
        try:
            return (self.folder / str(named)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            self.problems.append(
                f"{place}{one.name}_file: “{named}” cannot be read: {reason}. Check its path, owner and mode."
            )
            return None

    def _checked(self, one: Field[Any], kind: Any, value: Any, *, name: str) -> Any:
        if kind is str:
            if not isinstance(value, str):
                self.problems.append(f"{name}: a text in quotes is needed.")
                return None
            choices = one.metadata["choices"]
            if choices and value not in choices:
                self.problems.append(
                    f"{name}: “{value}” is not possible. Choose one of: {', '.join(choices)}."
                )
                return None
            return value.strip()
        if kind in (int, float):
            return self._number(one, kind, value, name=name)
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            self.problems.append(f'{name}: a list of texts is needed, such as ["a@example.com"].')
            return None
        return tuple(part.strip() for part in parts if part.strip())

    def _number(self, one: Field[Any], kind: type[int] | type[float], value: Any, *, name: str) -> Any:
        least, most = one.metadata["least"], one.metadata["most"]
        try:
            number = kind(value)
            if isinstance(value, bool) or not least <= number <= most:
                raise ValueError
        except (TypeError, ValueError):
            what = "a whole number" if kind is int else "a number"
            self.problems.append(f"{name}: {what} from {least:g} to {most:g} is needed.")
            return None
        return number


def consistency_problems(found: Configuration) -> list[str]:
    """What does not fit together, one sentence each."""
    problems = []
    if not found.product.url:
        problems.append("product.url is missing: the address of Jobwarden, such as https://jobs.example.com.")
    else:
        problems += _address_problems("product.url", found.product.url)
    if not found.runners and not found.product.token:
        problems.append(
            "There is nothing to do: enter runner users ([[runners]]), or product.token to watch only."
        )
    names = [runner.name for runner in found.runners]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        problems.append(f"The runner user “{name}” is there twice. Keep one of them.")
    for number, runner in enumerate(found.runners, start=1):
        problems += _runner_problems(runner, number)
    if any(not runner.token for runner in found.runners):
        problems += _address_problems("login.authority", found.login.authority, only_https=True)
    problems += _channel_problems(found)
    for name, file in (
        ("product.ca_file", found.product.ca_file),
        ("login.ca_file", found.login.ca_file),
        ("mail.ca_file", found.mail.ca_file),
        ("webhook.ca_file", found.webhook.ca_file),
    ):
        if file and not os.access(found.path(file), os.R_OK):
            problems.append(f"{name}: “{file}” cannot be read. Check its path, owner and mode.")
    return problems


def _runner_problems(runner: Runner, number: int) -> list[str]:
    if not runner.name:
        return [f"Runner no. {number} has no name. Enter the user name of the runner user."]
    place = f"runner “{runner.name}”"
    entra = {name: getattr(runner, name) for name in ("tenant_id", "client_id", "resource")}
    if runner.token:
        if any(entra.values()) or runner.secret or runner.private_key:
            return [f"{place}: an API token and an application of Entra ID are both given. Keep one of them."]
        return []
    if not any(entra.values()) and not runner.secret and not runner.private_key:
        return [f"{place} has no credential. Enter its token, or tenant_id, client_id, resource and secret."]
    problems = [f"{place}: {name} is missing." for name, value in entra.items() if not value]
    if runner.client_id and not GUID.fullmatch(runner.client_id):
        problems.append(f"{place}: client_id is no GUID. Copy the application (client) id from Entra ID.")
    if runner.secret and runner.private_key:
        problems.append(f"{place}: secret and private_key are both given. Keep one of them.")
    if not runner.secret and not (runner.private_key and runner.certificate):
        problems.append(f"{place} needs a secret, or a private_key with its certificate.")
    return problems


def _channel_problems(found: Configuration) -> list[str]:
    mail, problems = found.mail, []
    if mail.host:
        if not mail.sender or "@" not in mail.sender:
            problems.append("mail.sender is missing: the address the worker's mails come from.")
        if not mail.recipients or not all("@" in one for one in mail.recipients):
            problems.append("mail.recipients: enter at least one address, and nothing but addresses.")
        if mail.user and mail.security == "none" and mail.host not in LOOPBACK:
            problems.append(
                "mail.password would travel unprotected. Choose starttls or tls as mail.security."
            )
    elif mail.recipients:
        problems.append("mail.host is missing: the server that sends the worker's mails.")
    if found.webhook.url:
        problems += _address_problems("webhook.url", found.webhook.url)
    return problems


def _address_problems(name: str, address: str, *, only_https: bool = False) -> list[str]:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if not host or parts.scheme not in ("http", "https"):
        return [f"{name} is no address. It begins with https://."]
    if parts.username or parts.password:
        return [f"{name}: leave user and password out of the address."]
    if parts.scheme == "http" and (only_https or host not in LOOPBACK):
        return [f"{name}: tokens would travel unprotected. Use https:// for other hosts than this one."]
    return []

"""What the worker is told: sections of one TOML file, each option with its limits.

Durations carry their unit in the name. Options marked secret may be given as a file (``token_file``) and are never
shown. Every option of a section can be overridden by the environment: ``JOBWARDEN_WORKER_PRODUCT_URL``.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refresher.entra.sign_in import Login as EntraLogin

FAILURE_LIMIT = 15
"""Failures in a row after which a runner is not called any more, as in the product."""


def option(
    default: Any = "",
    *,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """A field with its limits, which :mod:`.parsing` holds it to."""
    limits = {"least": least, "most": most, "choices": choices, "secret": secret}
    return field(default=default, repr=not secret, metadata=limits)


@dataclass(frozen=True, slots=True)
class Product:
    """Where Jobwarden is. ``token`` is the worker's own (scope watch); it speaks for runners that cannot sign in."""

    url: str = option()
    token: str = option(secret=True)
    ca_file: str = option()
    proxy: str = option()
    timeout_seconds: float = option(600.0, least=1, most=3_600)


@dataclass(frozen=True, slots=True)
class Login:
    """The login server of Entra ID, for runners without an API token."""

    authority: str = option("https://login.microsoftonline.com")
    ca_file: str = option()
    proxy: str = option()
    timeout_seconds: float = option(15.0, least=1, most=300)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cycle every ``minutes``, moved by up to ``jitter_minutes``; a look at the product every ``check_minutes``."""

    minutes: float = option(60.0, least=1, most=1_440)
    jitter_minutes: float = option(5.0, least=0, most=60)
    check_minutes: float = option(5.0, least=0.05, most=1_440)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is tried in a cycle, and the first and the longest wait between."""

    attempts: int = option(4, least=1, most=20)
    first_wait_seconds: float = option(5.0, least=0, most=600)
    longest_wait_seconds: float = option(120.0, least=0, most=3_600)


@dataclass(frozen=True, slots=True)
class Status:
    file: str = option("status.json")


@dataclass(frozen=True, slots=True)
class Alarm:
    """``remind_hours`` 0: an incident is told once and not again. ``name``: what the worker calls itself."""

    name: str = option()
    remind_hours: float = option(24.0, least=0, most=8_760)
    unsent_hours: float = option(2.0, least=0, most=168)


@dataclass(frozen=True, slots=True)
class Mail:
    """The worker's own mail server; without a host it sends no mails."""

    host: str = option()
    port: int = option(587, least=1, most=65_535)
    security: str = option("starttls", choices=("starttls", "tls", "none"))
    user: str = option()
    password: str = option(secret=True)
    sender: str = option()
    recipients: tuple[str, ...] = option(())
    ca_file: str = option()
    timeout_seconds: float = option(30.0, least=1, most=300)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Called for each message; signed as Standard Webhooks asks if there is a ``secret`` (``whsec_…``).

    The address is a secret, too: for many receivers it is the only one.
    """

    url: str = option(secret=True)
    secret: str = option(secret=True)
    ca_file: str = option()
    proxy: str = option()
    timeout_seconds: float = option(30.0, least=1, most=300)


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner user: either an API token (``token``), or an application of Entra ID with secret or certificate."""

    name: str = option()
    token: str = option(secret=True)
    tenant_id: str = option()
    client_id: str = option()
    resource: str = option()
    secret: str = option(secret=True)
    private_key: str = option(secret=True)
    certificate: str = option()

    @property
    def credential(self) -> str:
        """What changes when the runner gets a new credential."""
        return "\n".join((self.token, self.client_id, self.secret, self.private_key))


@dataclass(frozen=True, slots=True)
class Configuration:
    product: Product = field(default_factory=Product)
    login: Login = field(default_factory=Login)
    schedule: Schedule = field(default_factory=Schedule)
    retry: Retry = field(default_factory=Retry)
    status: Status = field(default_factory=Status)
    alarm: Alarm = field(default_factory=Alarm)
    mail: Mail = field(default_factory=Mail)
    webhook: Webhook = field(default_factory=Webhook)
    runners: tuple[Runner, ...] = ()
    folder: Path = field(default_factory=Path)

    @property
    def status_file(self) -> Path:
        return self.folder / self.status.file

    def path(self, name: str) -> str:
        """A file named in the configuration; relative ones stand beside it."""
        return str(self.folder / name) if name else ""

    def login_of(self, runner: Runner) -> EntraLogin:
        """How the runner signs in to Entra ID."""
        return EntraLogin(
            authority=f"{self.login.authority.rstrip('/')}/{runner.tenant_id}",
            client_id=runner.client_id,
            resource=runner.resource,
            secret=runner.secret,
            private_key=runner.private_key,
            certificate=runner.certificate,
            ca_file=self.path(self.login.ca_file),
            timeout_seconds=self.login.timeout_seconds,
            proxy=self.login.proxy,
        )

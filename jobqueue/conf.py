"""The job queue's settings, read once from ``settings.JOBQUEUE`` with their defaults and units."""

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed


@dataclass(frozen=True, slots=True)
class JobQueueSettings:
    """Every knob of the job queue. Names carry their unit; ``None`` means "no limit"."""

    workers: int = 2
    poll_seconds: float = 0.5
    sqlite_watch_seconds: float = 0.02
    site_limit: int | None = None
    user_limit: int | None = None
    lease_seconds: float = 30
    heartbeat_seconds: float = 5
    standby_seconds: float = 60
    stop_grace_seconds: float = 30
    max_timeout_seconds: int = 86_399
    default_timeout_seconds: int = 43_200
    hard_kill_grace_seconds: float = 5
    sqlite_atomic_limit_seconds: int = 5
    allowed_commands: tuple[str, ...] = ()
    outbound_allowed_hosts: tuple[str, ...] = ()
    sql_report_aliases: tuple[str, ...] = ()
    report_retention_days: int = 28
    log_retention_days: int | None = None
    stale_minutes: int = 10
    recovery_minutes: int = 20
    remove_failed_grace_seconds: int = 30
    credential_keys: tuple[str, ...] = ()
    site_id: str = "local"
    heartbeat_dir: Path | None = None
    restore_tolerance_seconds: float = 0
    session_event_days: int = 5


@cache
def settings() -> JobQueueSettings:
    """The current settings; unknown keys raise ``TypeError`` naming them, so a typo never goes unnoticed."""
    given = {key.lower(): value for key, value in getattr(django_settings, "JOBQUEUE", {}).items()}
    unknown = set(given) - {field.name for field in fields(JobQueueSettings)}
    if unknown:
        raise TypeError(f"JOBQUEUE has unknown settings: {', '.join(sorted(unknown))}.")
    frozen: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
    }
    return JobQueueSettings(**frozen)


def _forget(*, setting: str, **_: object) -> None:
    if setting == "JOBQUEUE":
        settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="jobqueue.conf")

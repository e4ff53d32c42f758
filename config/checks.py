"""System checks of the configuration, each with an id and what to do. ``manage.py check`` shows all of them.

Those of single values (E001, E002, E005–E009, E016, E017) come from ``config/environment.py`` and ``config/keys.py``.
"""

import os
from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

HOUSE = "house"
BROKER = "jobqueue.scheduler.broker.TaskBroker"


@register(HOUSE)
def environment_is_readable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    return [Error(found.message, hint=found.hint, id=found.id) for found in settings.CONFIGURATION_PROBLEMS]


@register(HOUSE)
def var_dir_is_writable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    folder = settings.VAR_DIR
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield Error(
            f"VAR_DIR {folder} cannot be written: {place} is not a folder this user may write to.",
            hint="Create it for this user or set VAR_DIR to another folder.",
            id="config.E009",
        )


@register(HOUSE)
def databases_suit_forked_workers(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> Iterable[CheckMessage]:
    for alias, database in settings.DATABASES.items():
        if database.get("OPTIONS", {}).get("pool"):
            yield Error(
                f"Database '{alias}' uses a connection pool, which forked workers would share and corrupt.",
                hint="Remove the pool option; persistent connections (CONN_MAX_AGE) are already on.",
                id="config.E010",
            )


@register(HOUSE)
def task_engine_is_ours(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    cluster = settings.Q_CLUSTER
    if cluster.get("broker_class") != BROKER:
        yield Error(
            f"Q_CLUSTER['broker_class'] is {cluster.get('broker_class')!r}; scheduled tasks would never be claimed.",
            hint=f"Set it to '{BROKER}'.",
            id="config.E011",
        )
    if cluster.get("scheduler", True):
        yield Error(
            "Q_CLUSTER['scheduler'] is on; django-q2's own 30-second scheduler would run beside the job queue's.",
            hint="Set it to False. Plain async_task() calls keep working.",
            id="config.E012",
        )
    timeout, retry = cluster.get("timeout"), cluster.get("retry", 60)
    if not isinstance(timeout, int) or isinstance(timeout, bool) or timeout < 1 or retry <= timeout:
        yield Error(
            f"Q_CLUSTER has timeout {timeout!r} and retry {retry!r}; a running plain task would be started again.",
            hint="Set timeout to a whole number of seconds and retry to a larger one.",
            id="config.E013",
        )
    if cluster.get("guard_cycle", 0.5) not in (0.5, 1):
        yield Error(
            f"Q_CLUSTER['guard_cycle'] is {cluster['guard_cycle']!r}; django-q2's hard timeout never ends with it.",
            hint="Use 0.5 or 1.",
            id="config.E014",
        )


@register(HOUSE)
def production_is_complete(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    if not settings.PRODUCTION:
        return
    if not settings.SITE_ID:
        yield Error(
            "SITE_ID is not set; a copied database could not be told from the original and would run its jobs too.",
            hint="Set SITE_ID to a name of this installation that no copy of it has, such as 'acme-production'.",
            id="config.E003",
        )
    if not settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS is not set; every request would be refused.",
            hint="Set ALLOWED_HOSTS to the names people type in the browser, separated by commas.",
            id="config.E004",
        )
    if settings.DEBUG:
        yield Error(
            "DEBUG is on in production; error pages would show settings and data.",
            hint="Remove DEBUG from the environment.",
            id="config.E015",
        )
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield Warning(
            "Production runs on SQLite: one host, one writer at a time.",
            hint="Set DATABASE_URL to a PostgreSQL database.",
            id="config.W001",
        )
    if settings.HTTPS is None:
        yield Warning(
            "HTTPS is not set; cookies are marked secure, so people can sign in through TLS only, but HSTS is off.",
            hint="Set HTTPS=on behind a TLS proxy (with TRUST_PROXY_HEADERS=on if it sets X-Forwarded-Proto).",
            id="config.W002",
        )
    if settings.EMAIL_BACKEND.rpartition("backends.")[2].split(".")[0] in (
        "filebased",
        "console",
        "dummy",
        "locmem",
    ):
        yield Warning(
            "Mail is not sent: it goes to a file, the console or nowhere.",
            hint="Set EMAIL_URL, such as smtp+tls://user:password@mail.example.com:587.",
            id="config.W003",
        )
    if settings.STATIC_ROOT and not (settings.STATIC_ROOT / "staticfiles.json").exists():
        yield Warning(
            f"Static files are not collected in {settings.STATIC_ROOT}; pages of the web server would fail.",
            hint="Run 'manage.py collectstatic --no-input' once per upgrade.",
            id="config.W004",
        )

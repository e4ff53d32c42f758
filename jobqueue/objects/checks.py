"""System checks of job objects and of the settings they depend on. Ids jobqueue.E101–E109 and W101–W109.

What can never work raises ``BadJobObject`` while the module is imported; these checks see what needs the whole project.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core import checks
from django.core.management import get_commands

from jobqueue.conf import settings
from jobqueue.objects import registry
from jobqueue.objects.job_object import RESERVED_IDS, JobObject
from jobqueue.outbound import allowed_network

PRODUCT_APPS = ("jobqueue", "notifications", "packages", "refresher", "config")


@checks.register("jobqueue")
def check_job_objects(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every registered object: failure routine, permission, atomic timeout, id range."""
    known = _known_permissions()
    return [message for item in registry.all() for message in _messages_of(item, known_permissions=known)]


@checks.register("jobqueue")
def check_object_settings(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """The allow-lists: outbound hosts, commands, SQL report connections."""
    return [*_outbound(), *_commands(), *_aliases()]


def _messages_of(item: JobObject, *, known_permissions: set[str]) -> Iterator[checks.CheckMessage]:
    if item.failure_routine is not None and item.failure is None:
        yield checks.Error(
            f"{item.name} names the failure routine “{item.failure_routine}”, which nothing registers.",
            hint="Register it with @failure_routine in an installed app's jobs.py, or correct the name.",
            obj=item.place,
            id="jobqueue.E101",
        )
    if item.permission is not None and item.permission not in known_permissions:
        yield checks.Error(
            f"{item.name} needs the permission “{item.permission}”, which no model has.",
            hint="Add it to permissions in the Meta class of a model and migrate, or correct the name.",
            obj=item.place,
            id="jobqueue.E102",
        )
    limit = settings().sqlite_atomic_limit_seconds
    if item.atomic and _on_sqlite() and (item.timeout_seconds or 0) > limit:
        yield checks.Error(
            f"{item.name} is atomic and may take {item.timeout_seconds} s; on SQLite it would hold the only writer "
            f"for longer than {limit} s.",
            hint=f"Declare timeout_seconds={limit} or less, make it not atomic, or use PostgreSQL.",
            obj=item.place,
            id="jobqueue.E103",
        )
    own = item.function.__module__.partition(".")[0]
    if item.object_id in RESERVED_IDS and own not in PRODUCT_APPS:
        yield checks.Warning(
            f"{item.name} has an id the product may take for itself one day.",
            hint=f"Use an id from {RESERVED_IDS.stop:,} on; ids below are reserved.",
            obj=item.place,
            id="jobqueue.W101",
        )


def _outbound() -> Iterator[checks.CheckMessage]:
    for item in settings().outbound_allowed_hosts:
        try:
            allowed_network(item)
            wrong = "://" in item or " " in item or not item
        except ValueError:
            wrong = True
        if wrong:
            yield checks.Error(
                f"OUTBOUND_ALLOWED_HOSTS has the item “{item}”, which is no host and no network.",
                hint="Write a name, name:port, an address, or a network such as 10.1.0.0/16.",
                id="jobqueue.E104",
            )


def _commands() -> Iterator[checks.CheckMessage]:
    installed = get_commands() if settings().allowed_commands else {}
    for name in settings().allowed_commands:
        if name not in installed:
            yield checks.Error(
                f"ALLOWED_COMMANDS names “{name}”, which is no management command of this installation.",
                hint="Remove it or install the app that brings it.",
                id="jobqueue.E105",
            )


def _aliases() -> Iterator[checks.CheckMessage]:
    for alias in settings().sql_report_aliases:
        if alias not in django_settings.DATABASES:
            yield checks.Error(
                f"SQL_REPORT_ALIASES names the connection “{alias}”, which DATABASES does not have.",
                hint="Remove it or configure the connection.",
                id="jobqueue.E106",
            )
        elif alias == "default":
            yield checks.Warning(
                "SQL_REPORT_ALIASES names “default”: SQL reports can read the product's own tables.",
                hint="Leave it out unless only administrators hold the permission jobqueue.run_sql_report.",
                id="jobqueue.W102",
            )


def _known_permissions() -> set[str]:
    found: set[str] = set()
    for model in apps.get_models():
        meta = model._meta
        found |= {f"{meta.app_label}.{verb}_{meta.model_name}" for verb in meta.default_permissions}
        found |= {f"{meta.app_label}.{codename}" for codename, _words in meta.permissions}
    return found


def _on_sqlite() -> bool:
    return str(django_settings.DATABASES["default"].get("ENGINE", "")).endswith("sqlite3")

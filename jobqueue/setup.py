"""Rows every installation has: the default company and the shipped groups."""

from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS

VIEWED = (
    "category",
    "cluster",
    "company",
    "entry",
    "entrychange",
    "errormessage",
    "errormessageregister",
    "logentry",
    "logline",
    "reportdocument",
    "scheduledtask",
    "sessionevent",
    "workersession",
)
SET_UP = ("category", "company", "companymember", "credential")

VIEWER = tuple(f"view_{model}" for model in VIEWED)
OPERATOR = (*VIEWER, "operate_entry")
SCHEDULER = (
    *OPERATOR,
    "add_entry",
    "change_entry",
    "delete_entry",
    "run_http_request",
    "run_send_email",
)
ADMINISTRATOR = (
    *SCHEDULER,
    *(f"{verb}_{model}" for model in SET_UP for verb in ("view", "add", "change", "delete")),
    "run_command",
    "run_sql_report",
    "run_log_cleanup",
    "change_scheduledtask",
    "delete_scheduledtask",
    "delete_logentry",
    "delete_reportdocument",
    "run_http_request",
    "run_command",
    "run_sql_report",
    "run_send_email",
    "run_log_cleanup",
)

SHIPPED_GROUPS: dict[str, tuple[str, ...]] = {
    "Viewer": VIEWER,
    "Operator": OPERATOR,
    "Scheduler": SCHEDULER,
    "Administrator": ADMINISTRATOR,
    "Integrator": SCHEDULER,
    "Ext JQ Refresher": (),
}


def ensure_shipped_rows(sender, *, using: str = DEFAULT_DB_ALIAS, apps=installed, **kwargs) -> None:
    """Creates what is missing after each migrate.

    Adds missing permissions to the shipped groups and never removes one; leaves memberships, other groups and every
    company as an administrator made them.
    """
    create_permissions(sender, verbosity=0, using=using, apps=apps)
    for name, codenames in SHIPPED_GROUPS.items():
        grant(name, codenames, app_label="jobqueue", using=using, apps=apps)
    _ensure_default_company(using=using, apps=apps)


def grant(
    group_name: str,
    codenames: tuple[str, ...],
    *,
    app_label: str,
    using: str = DEFAULT_DB_ALIAS,
    apps=installed,
) -> None:
    """Makes sure the group exists and holds these permissions of the app; other apps call it for their own."""
    groups = apps.get_model("auth", "Group")._default_manager.using(using)
    permissions = apps.get_model("auth", "Permission")._default_manager.using(using)
    group, _ = groups.get_or_create(name=group_name)
    group.permissions.add(
        *permissions.filter(content_type__app_label=app_label, codename__in=codenames).values_list(
            "pk", flat=True
        )
    )


def _ensure_default_company(*, using: str, apps) -> None:
    companies = apps.get_model("jobqueue", "Company")._default_manager.using(using)
    if companies.filter(is_default=True).exists():
        return
    company, _ = companies.get_or_create(
        code="main", defaults={"name": "Main company", "time_zone": settings.TIME_ZONE}
    )
    companies.filter(pk=company.pk).update(is_default=True)

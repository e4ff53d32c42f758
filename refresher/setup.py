"""Rows and permissions the refresher needs in every installation."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS

from jobqueue.setup import grant

RUNNER_GROUP = "Ext JQ Refresher"
"""The permission set of runner users. It grants refreshing only; the right to run the objects comes separately."""

VIEWED = ("refreshsetup", "monitoredjob", "managedbyapp", "refreshlog", "refreshlogline", "runner")
VIEWER = tuple(f"view_{model}" for model in VIEWED)
SCHEDULER = (*VIEWER, *(f"{verb}_monitoredjob" for verb in ("add", "change", "delete")))
ADMINISTRATOR = (
    *SCHEDULER,
    "change_refreshsetup",
    *(f"{verb}_runner" for verb in ("add", "change", "delete")),
)

SHIPPED_GROUPS: dict[str, tuple[str, ...]] = {
    "Viewer": VIEWER,
    "Operator": VIEWER,
    "Scheduler": SCHEDULER,
    "Integrator": SCHEDULER,
    "Administrator": ADMINISTRATOR,
    RUNNER_GROUP: ("act_as_runner",),
}


def ensure_shipped_rows(sender, *, using: str = DEFAULT_DB_ALIAS, apps=installed, **kwargs) -> None:
    """Adds the refresher's permissions to the shipped groups after each migrate; never removes one."""
    create_permissions(sender, verbosity=0, using=using, apps=apps)
    for name, codenames in SHIPPED_GROUPS.items():
        grant(name, codenames, app_label="refresher", using=using, apps=apps)

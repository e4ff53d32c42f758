"""Rights every installation has: the shipped groups get those of the packages, each group what it means elsewhere."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS

from jobqueue.setup import grant

VIEWED = ("package", "packageline", "recurrence", "run", "runline", "statuschange")
VIEWER = tuple(f"view_{model}" for model in VIEWED)
OPERATOR = (*VIEWER, "operate_package")
SCHEDULER = (
    *OPERATOR,
    *(
        f"{verb}_{model}"
        for model in ("package", "packageline", "recurrence")
        for verb in ("add", "change", "delete")
    ),
)
ADMINISTRATOR = (*SCHEDULER, "set_up_package")

GROUPS = {
    "Viewer": VIEWER,
    "Operator": OPERATOR,
    "Scheduler": SCHEDULER,
    "Administrator": ADMINISTRATOR,
    "Integrator": SCHEDULER,
}


def ensure_granted(sender, *, using: str = DEFAULT_DB_ALIAS, apps=installed, **kwargs) -> None:
    """Adds what the shipped groups lack, after each migrate; never removes anything."""
    create_permissions(sender, verbosity=0, using=using, apps=apps)
    for name, codenames in GROUPS.items():
        grant(name, codenames, app_label="packages", using=using, apps=apps)

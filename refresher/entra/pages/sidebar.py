"""The links to the pages of Entra ID, for administrators of every company."""

from typing import Any

from django.http import HttpRequest

from jobqueue.admin.base import may, works_in_every_company
from jobqueue.admin.extensions import add_sidebar_group
from jobqueue.admin.navigation import group, item


def links(request: HttpRequest) -> dict[str, Any]:
    if not (may(request, "administer") and works_in_every_company(request)):
        return group("Entra ID", [])
    return group(
        "Entra ID",
        [
            item("Entra applications", icon="badge", name="refresher_entraapplication_changelist"),
            item("Entra tenants", icon="corporate_fare", name="refresher_entratenant_changelist"),
        ],
    )


add_sidebar_group(links, order=80)

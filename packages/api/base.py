"""What the views of packages share: their rights, the package of the address, and conditional changes."""

import re
from hashlib import sha256
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from jobqueue.api.conditions import PreconditionMalformed, not_modified, polled
from jobqueue.api.levels import LevelPermission
from jobqueue.api.resources import CompanyRows
from jobqueue.errors import NotFound
from jobqueue.permissions import Level
from packages import permissions
from packages.models import Package

TAG = re.compile(r'(?:W/)?"([0-9]{1,9})(?:-[0-9a-f]+)?"')
PEOPLE = ("run_as_user", "identity", "activated_by", "held_by", "created_by", "modified_by")


class PackageLevels(LevelPermission):
    """The rights of packages in place of those of job queue entries."""

    def require(self, view: Any, level: Level) -> None:
        permissions.require(view.actor, permissions.MEANING[level], view.company)


class PackagesView(CompanyRows):
    """A view of packages of the company in the address."""

    permission_classes = (PackageLevels,)
    model: Any = Package

    def packages(self) -> QuerySet[Package]:
        return Package.objects.filter(company=self.company).select_related("company", *PEOPLE)

    def package(self) -> Package:
        """The package of the address; those of other companies do not exist."""
        found = self.packages().filter(uuid=self.kwargs["package"]).first()
        if found is None:
            raise NotFound(
                f"There is no job queue package {self.kwargs['package']} in “{self.company}”. Look at the list."
            )
        return found

    def expected_revision(self) -> int | None:
        """The revision of the package in ``If-Match``; None expects nothing. Malformed ones are refused."""
        header = self.request.headers.get("If-Match", "").strip()
        if not header or header == "*":
            return None
        found = TAG.fullmatch(header)
        if found is None:
            raise PreconditionMalformed
        return int(found[1])

    def handle_exception(self, exc: Exception) -> Response:
        """A change on an older state than the one in ``If-Match`` is 412."""
        if getattr(exc, "code", "") == "changed_meanwhile" and "If-Match" in self.request.headers:
            exc.http_status = 412  # type: ignore[attr-defined]
        return super().handle_exception(exc)

    def address(self, name: str, **named: Any) -> str:
        """Of a resource in the same company, for ``Location``."""
        return reverse(
            f"{self.request.resolver_match.namespace}:{name}", kwargs={"company": self.company.code, **named}
        )


def tagged(request: Request, package: Package, body: Any, *, status: int = 200) -> Response:
    """The answer about one package with its ETag: the revision ``If-Match`` compares, and what else is shown.

    A caller who has the same answer already gets 304.
    """
    shown = sha256(JSONEncoder(sort_keys=True).encode(body).encode()).hexdigest()[:16]
    tag = f'"{package.revision}-{shown}"'
    if request.method in ("GET", "HEAD") and (unchanged := not_modified(request, tag)) is not None:
        return unchanged
    return polled(Response(body, status=status), tag)

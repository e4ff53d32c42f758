"""May the caller do this? The user's level in the company, and the scopes of the credentials."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from jobqueue import permissions
from jobqueue.api.grants import Grant
from jobqueue.errors import NotAllowed
from jobqueue.permissions import Level


class LevelPermission(BasePermission):
    """Asks the view for the level of the action (``levels``) or for a scope of its own (``scope``).

    An app whose rights are not those of the job queue's entries derives from it and says what a level means there.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        grant: Grant = request.auth
        level = view.level_of(request)
        scope = view.scope or level
        if scope is not None and not grant.covers(scope):
            raise NotAllowed(
                f"These credentials lack the scope “{scope}”. Use ones made with it.", code="scope_missing"
            )
        if level is not None:
            self.require(view, level)
        return True

    def require(self, view: Any, level: Level) -> None:
        """Raises ``NotAllowed`` unless the acting user holds the level."""
        permissions.require(view.actor, level, getattr(view, "company", None))

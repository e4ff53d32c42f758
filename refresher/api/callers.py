"""Who calls, by its token alone: a runner for itself, or the worker as the watcher of all of them."""

from typing import Any

from rest_framework.request import Request

from jobqueue.errors import NotAllowed
from refresher.models import Runner
from refresher.runners import PERMISSION, runner_of
from refresher.setup import RUNNER_GROUP

REFRESH = "refresh"
WATCH = "watch"


def calling_runner(request: Request) -> Runner:
    """The runner whose token this is; raises ``NotAllowed`` for everybody else."""
    runner = runner_of(request.user)
    if runner is None:
        raise NotAllowed(
            f"“{request.user.get_username()}” is no registered runner user. Register it in the list of runner users.",
            code="no_runner",
        )
    return runner


def watches(request: Request) -> bool:
    """Whether the token is the worker's own one: the scope ``watch``, of a user with the permission set."""
    grant: Any = request.auth
    return grant.scopes is not None and grant.covers(WATCH) and request.user.has_perm(PERMISSION)


def require_worker(request: Request) -> None:
    """Raises ``NotAllowed`` unless the token is a runner's or the worker's own."""
    grant: Any = request.auth
    if watches(request):
        return
    if not (grant.covers(REFRESH) or grant.covers(WATCH)):
        raise NotAllowed(
            f"These credentials lack the scopes “{REFRESH}” and “{WATCH}”. Use ones made with one of them.",
            code="scope_missing",
        )
    if not request.user.has_perm(PERMISSION):
        raise NotAllowed(
            f"“{request.user.get_username()}” lacks the permission set {RUNNER_GROUP}. Add the user to that group."
        )

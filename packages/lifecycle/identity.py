"""In whose name the entries of a package run once somebody has changed what decides that (decisions on identity)."""

from jobqueue.actors import Actor
from packages.models import Package
from packages.permissions import may_act_as


def answer_for(package: Package, *, actor: Actor) -> list[str]:
    """Makes the actor the package's identity unless free to act as the present one; the names of the fields written."""
    present = package.run_as_user or package.identity
    if actor.user is None or may_act_as(actor, present, package.company):
        return []
    package.run_as_user, package.identity = None, actor.user
    return ["run_as_user", "identity"]

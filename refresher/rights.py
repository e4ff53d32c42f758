"""Who looks after runner users and their applications: they serve every company, so only who works in all of them."""

from jobqueue import companies, permissions
from jobqueue.actors import Actor
from jobqueue.errors import NotAllowed


def require_rights(actor: Actor) -> None:
    """Raises ``NotAllowed`` unless the actor may look after runner users and their applications."""
    permissions.require(actor, "administer")
    if actor.user is not None and not companies.works_in_every(actor.user):
        raise NotAllowed(
            f"“{actor.name}” is limited to some companies; runner users serve all of them. Ask another administrator."
        )

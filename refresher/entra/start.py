"""What the app registers at its start for Entra ID."""

from jobqueue import api_tokens, events, secrets
from jobqueue.api.bearers import Bearer, register_bearer
from refresher import credential_ends
from refresher.entra import bearer, doctor, warning  # noqa: F401  (the doctor's check registers itself)
from refresher.entra.models import EntraApplication, EntraTenant


def register() -> None:
    """The bearer tokens of Entra ID, the scope they carry, the columns that hold secrets, and the warnings in time."""
    api_tokens.register_scope("refresh", "Refresh monitored jobs as a runner user")
    api_tokens.register_scope("watch", "Watch over the installation as the worker outside")
    register_bearer(Bearer("entra", bearer.recognises, bearer.authenticate))
    secrets.register_sealed(EntraApplication, "secret_encrypted")
    secrets.register_sealed(EntraTenant, "secret_encrypted")
    events.minute_passed.connect(warning.after_a_minute, dispatch_uid="refresher.entra.warning")
    events.minute_passed.connect(credential_ends.after_a_minute, dispatch_uid="refresher.credential_ends")

"""*Grant Consent* and signing in to Graph: the questions sent to the login server, and its answers.

Source: *Refresher reference, Consent*.
"""

import warnings
from collections.abc import Mapping
from typing import Any

from jobqueue import secrets
from refresher.entra import addresses, sign_in
from refresher.entra.aadsts import explain, number_in
from refresher.entra.errors import ConsentFailed, SignInFailed
from refresher.entra.models import EntraApplication, EntraTenant

# msal recommends form_post on every sign-in; a form posted from another site would come without our session cookie, to
# which the state is bound. The code in the address is good once, and only with the verifier kept in that session.
warnings.filterwarnings("ignore", message="response_mode='form_post'", category=UserWarning)

GRAPH_PERMISSIONS = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All")


def consent_address(application: EntraApplication, *, redirect_uri: str, state: str) -> str:
    """Where an administrator of the directory grants consent to the application."""
    return addresses.admin_consent(
        application.tenant.tenant_id, client_id=application.client_id, redirect_uri=redirect_uri, state=state
    )


def require_granted(answer: Mapping[str, str]) -> None:
    """Raises ``ConsentFailed`` unless the answer says that consent was granted, and no error besides.

    The *tenant* in the answer is not looked at.
    """
    error = answer.get("error", "")
    if error:
        said = answer.get("error_description", "")
        number = number_in(said)
        if error in ("permission_denied", "access_denied", "consent_required"):
            raise ConsentFailed(
                "Consent was not granted: it was declined, or the account is no administrator of the directory. Choose "
                "Grant Consent again and sign in as one."
            )
        raise ConsentFailed(f"Consent was not granted. {explain(error, number=number, description=said)}")
    if answer.get("admin_consent", "").lower() != "true":
        raise ConsentFailed(
            "The login server did not say that consent was granted. Choose Grant Consent again."
        )


def begin_sign_in(tenant: EntraTenant, *, redirect_uri: str) -> dict[str, Any]:
    """The beginning of signing in to Graph as a person: ``auth_uri`` is where to go, the whole is kept in the session.

    Raises ``SignInFailed``, also when Jobwarden's own application has no secret here.
    """
    application = sign_in.confidential(_own_login(tenant))
    with sign_in.failures_in_words():
        return application.initiate_auth_code_flow(
            [addresses.graph_scope(permission) for permission in GRAPH_PERMISSIONS],
            redirect_uri=redirect_uri,
        )


def end_sign_in(tenant: EntraTenant, *, flow: dict[str, Any], answer: Mapping[str, str]) -> str:
    """The access token for Graph; raises ``SignInFailed`` with the reason in words."""
    application = sign_in.confidential(_own_login(tenant))
    with sign_in.failures_in_words():
        try:
            found = application.acquire_token_by_auth_code_flow(flow, dict(answer))
        except ValueError:
            # State or nonce are not those of the question.
            raise SignInFailed(
                "The answer of the login server does not belong to this sign-in. Begin again.",
                code="entra_answer_foreign",
            ) from None
    return str(sign_in.accepted(found)["access_token"])


def _own_login(tenant: EntraTenant) -> sign_in.Login:
    stored = bytes(tenant.secret_encrypted)
    if not stored:
        raise SignInFailed(
            f"Jobwarden's own application in “{tenant}” has no client secret here. Enter one on the page of the Entra "
            "tenant, or create the runner's application in Entra ID by hand and register it.",
            code="entra_credential_missing",
        )
    return sign_in.Login(
        authority=addresses.authority(tenant.tenant_id),
        client_id=str(tenant.client_id),
        secret=secrets.unseal(stored, what=f"The client secret of the Entra tenant “{tenant}”"),
        ca_file=addresses.option("CA_FILE"),
        timeout_seconds=addresses.option("TIMEOUT_SECONDS"),
    )

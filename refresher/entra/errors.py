"""What Entra ID, Graph and access tokens can be refused for; each with a stable code and the next step."""

from jobqueue.errors import JobQueueError, NotAllowed, Refused


class SignInFailed(JobQueueError):
    """No access token could be had.

    ``error`` is the OAuth error, ``aadsts`` the number of Entra ID's own code (0 if it sent none); ``transient`` tells
    that trying again may help, ``retry_after_seconds`` when, if the server said so.
    """

    code = "entra_sign_in_failed"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        error: str = "",
        aadsts: int = 0,
        transient: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.error = error
        self.aadsts = aadsts
        self.transient = transient
        self.retry_after_seconds = retry_after_seconds


class GraphFailed(JobQueueError):
    """Microsoft Graph refused a step or could not be reached; ``status`` is its HTTP status, 0 without an answer."""

    code = "graph_failed"

    def __init__(self, message: str, *, code: str | None = None, status: int = 0, reason: str = "") -> None:
        super().__init__(message, code=code)
        self.status = status
        self.reason = reason


class ConsentFailed(Refused):
    """The administrator came back from the login server without having granted consent."""

    code = "consent_not_granted"


class TokenInvalid(JobQueueError):
    """An access token does not prove who is calling (401). ``detail`` is for the log only."""

    code = "entra_token_invalid"

    def __init__(self, message: str, *, code: str, detail: str = "") -> None:
        super().__init__(message, code=code)
        self.detail = detail


class TokenForbidden(NotAllowed):
    """An access token proves who is calling, and it may not (403). ``detail`` is for the log only."""

    code = "entra_token_forbidden"

    def __init__(self, message: str, *, code: str, detail: str = "") -> None:
        super().__init__(message, code=code)
        self.detail = detail


class KeysUnavailable(JobQueueError):
    """The login server's keys cannot be had, so nothing can be said about the token (503)."""

    code = "entra_keys_unavailable"
    http_status = 503

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail

"""The bearer token of a runner: its API token, or an access token of Entra ID that is kept while it is good."""

from refresher.entra.errors import SignInFailed
from refresher.entra.sign_in import Credentials
from refresher.worker.configuration import Configuration, Runner

IN_OUR_WORDS = {"ENTRA_CA_FILE": "login.ca_file", "ENTRA_LOGIN_AUTHORITY": "login.authority"}


class Identities:
    """Signs in as runners; what was got is used again until it ends or is forgotten."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._credentials: dict[str, Credentials] = {}

    def token(self, runner: Runner) -> str:
        """Raises ``SignInFailed`` in words that fit this program's configuration."""
        if runner.token:
            return runner.token
        try:
            if runner.name not in self._credentials:
                self._credentials[runner.name] = Credentials(self._configuration.login_of(runner))
            return self._credentials[runner.name].token().text
        except SignInFailed as failure:
            self.forget(runner)
            raise _in_our_words(failure) from None

    def forget(self, runner: Runner) -> None:
        """The next token is a new one: the last one was refused, or msal keeps an error in memory."""
        self._credentials.pop(runner.name, None)

    def is_signed_in(self, runner: Runner) -> bool:
        return bool(runner.token) or runner.name in self._credentials


def _in_our_words(failure: SignInFailed) -> SignInFailed:
    message = failure.message
    for theirs, ours in IN_OUR_WORDS.items():
        message = message.replace(theirs, ours)
    return SignInFailed(
        message,
        code=failure.code,
        error=failure.error,
        aadsts=failure.aadsts,
        transient=failure.transient,
        retry_after_seconds=failure.retry_after_seconds,
    )

"""HTTP calls that are tried again: which failures may pass, how long to wait, and every failure in words."""

import email.utils
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from refresher.entra.errors import SignInFailed
from refresher.worker.configuration import Retry
from refresher.worker.log import Log

TRANSIENT = (408, 425, 429)
ALWAYS_TRIED_AGAIN = ("pass_running",)

T = TypeVar("T")


class Stopped(Exception):
    """The worker was told to stop while it waited."""


class CallFailed(Exception):
    """A call that did not succeed. ``status`` is 0 without an answer; ``code`` is the product's own, if it sent one."""

    def __init__(
        self,
        sentence: str,
        *,
        status: int = 0,
        code: str = "",
        transient: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status
        self.code = code
        self.transient = transient
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_refusal(self) -> bool:
        """Whether the token was refused, so that a new one may help."""
        return self.status in (401, 403)

    @property
    def unreachable(self) -> bool:
        """Whether nobody, or somebody else, answered."""
        return self.status == 0 or self.code == "garbage"


@dataclass(frozen=True, slots=True)
class Patience:
    """``wait`` returns True if the worker shall stop. ``chance`` is between 0 and 1."""

    retry: Retry
    wait: Callable[[float], bool]
    log: Log
    chance: Callable[[], float] = random.random

    def tried(self, what: str, call: Callable[[], T], **facts: Any) -> T:
        """The result of ``call``, tried again while its failures may pass; raises the last failure, or ``Stopped``."""
        attempt = 1
        while True:
            try:
                return call()
            except (CallFailed, SignInFailed) as failure:
                seconds = self._wait_after(failure, attempt)
                if seconds is None:
                    raise
                self.log.warning(
                    "retry",
                    what=what,
                    attempt=attempt,
                    wait_seconds=round(seconds, 1),
                    error=str(failure),
                    **facts,
                )
            if self.wait(seconds):
                raise Stopped
            attempt += 1

    def _wait_after(self, failure: CallFailed | SignInFailed, attempt: int) -> float | None:
        if not failure.transient or attempt >= self.retry.attempts:
            return None
        asked = failure.retry_after_seconds
        if asked is not None and asked > self.retry.longest_wait_seconds:
            return None  # the next cycle comes sooner than that, or nearly
        return wait_seconds(attempt, retry=self.retry, asked=asked, chance=self.chance())


def wait_seconds(attempt: int, *, retry: Retry, asked: float | None, chance: float) -> float:
    """Doubles from the first wait, moved down by up to half so that workers spread; never below ``asked``.

    First wait 5 s, no chance: 1 → 2.5, 2 → 5, 3 → 10; with chance 1: 5, 10, 20.
    """
    longest = min(retry.first_wait_seconds * 2.0 ** min(attempt - 1, 30), retry.longest_wait_seconds)
    return max(longest * (0.5 + chance / 2), asked or 0.0)


def client(*, ca_file: str, proxy: str, timeout_seconds: float) -> httpx.Client:
    """Verified TLS, no proxy unless one is named, and no redirect followed with a token in hand."""
    try:
        verify = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError):
        raise CallFailed(f"The file “{ca_file}” holds no certificates. Name one in PEM form.") from None
    timeout = httpx.Timeout(timeout_seconds, connect=min(15.0, timeout_seconds))
    return httpx.Client(verify=verify, proxy=proxy or None, trust_env=False, timeout=timeout)


def send(
    http: httpx.Client, method: str, address: str, *, who: str, option: str, **sent: Any
) -> httpx.Response:
    """The answer, whatever its status; raises ``CallFailed`` naming who did not answer and the ``option`` to check."""
    host = _host(address)
    try:
        return http.request(method, address, **sent)
    except httpx.TimeoutException:
        raise CallFailed(
            f"{who} did not answer in time ({host}). Is it overloaded?", transient=True
        ) from None
    except httpx.TransportError as error:
        certificate = "CERTIFICATE_VERIFY_FAILED" in str(error)
        if certificate:
            sentence = (
                f"The certificate of {who} is not trusted ({host}). Name the authority that vouches for it: "
                f"{option.partition('.')[0]}.ca_file."
            )
        else:
            sentence = f"{who} cannot be reached ({host}): {_reason(error)}. Check {option} and the network."
        raise CallFailed(sentence, transient=not certificate) from None
    except (httpx.InvalidURL, UnicodeError):
        raise CallFailed(f"{who} has no address that can be called. Check {option}.") from None


def answered(response: httpx.Response, *, who: str, option: str) -> dict[str, Any]:
    """The JSON object of a success; every other answer becomes ``CallFailed`` in words."""
    found = _json(response)
    status = response.status_code
    if 200 <= status < 300 and found is not None:
        return found
    if 300 <= status < 400:
        where = response.headers.get("Location", "another address")
        raise CallFailed(
            f"{who} leads to {where}. Enter the address that answers itself as {option}.", status=status
        )
    code = str((found or {}).get("code", ""))
    said = str((found or {}).get("detail", ""))[:1_000]
    transient = status in TRANSIENT or status >= 500 or code in ALWAYS_TRIED_AGAIN
    after = retry_after(response.headers.get("Retry-After", ""), now=time.time())
    if said:
        sentence = f"{said} ({status} {code})" if code else f"{said} ({status})"
    elif transient:
        sentence = f"{who} failed with status {status}. Try again later, and look at its log."
    else:
        code, transient = "garbage", 200 <= status < 300
        sentence = f"{who} did not answer as Jobwarden does (status {status}). Check {option}."
    raise CallFailed(sentence, status=status, code=code, transient=transient, retry_after_seconds=after)


def retry_after(text: str, *, now: float) -> float | None:
    """Seconds until the moment a server named as seconds or as a date; None for nothing sensible.

    “120” → 120; a date in the past → 0.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now, UTC)).total_seconds())


def _host(address: str) -> str:
    """Where an address leads, without what may be secret in it: the path of many webhooks is their only credential."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2]
    except ValueError:
        return "no address"


def _json(response: httpx.Response) -> dict[str, Any] | None:
    try:
        found = response.json()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _reason(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200].rstrip(".")

"""HTTP request: calls a web address and checks the status of its answer."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from jobqueue import outbound, secrets
from jobqueue.errors import JobQueueError
from jobqueue.models import Credential
from jobqueue.objects import Run, codeunit
from jobqueue.outbound.addresses import is_allowed_host
from jobqueue.states import Level

EXCERPT_LENGTH = 1000
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS = re.compile(r"[1-5](\d\d|xx)", re.IGNORECASE)
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


class UnexpectedStatus(JobQueueError):
    """The answer has a status the entry does not expect."""

    code = "unexpected_status"


class CredentialNotForHost(JobQueueError):
    """The credential does not name the host, so its secret is not sent there."""

    code = "credential_not_for_host"


@dataclass(frozen=True)
class HttpRequest:
    address: str = field(
        metadata={"max_length": 2000, "help": "Address to call, beginning with https:// or http://."}
    )
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = field(
        default="GET", metadata={"help": "HTTP method."}
    )
    headers: list[str] = field(
        default_factory=list,
        metadata={"max_length": 2000, "help": "Request headers, each written Name: value. No secrets here."},
    )
    body: str = field(
        default="", metadata={"multiline": True, "max_length": 100_000, "help": "Text to send along."}
    )
    expected_status: str = field(
        default="2xx",
        metadata={"max_length": 100, "help": "Statuses of success, for example 200, 204 or 2xx, 404."},
    )
    credential: str = field(
        default="",
        metadata={
            "max_length": 50,
            "help": "Name of a stored credential to send along. It must list the host among its hosts.",
        },
    )
    timeout_seconds: int = field(
        default=30,
        metadata={
            "min": 1,
            "max": 3600,
            "label": "Timeout (sec.)",
            "help": "Longest wait for the whole answer.",
        },
    )
    follow_redirects: bool = field(
        default=True, metadata={"help": "Follow redirects; each one is checked like the first address."}
    )

    def __post_init__(self) -> None:
        read_headers(self.headers)
        read_statuses(self.expected_status)


@codeunit(1, "HTTP request", parameters=HttpRequest, permission="jobqueue.run_http_request")
def http_request(run: Run[HttpRequest]) -> None:
    """Calls a web address and fails unless the answer has an expected status.

    The beginning of the answer is kept in the log. Private and local addresses are refused unless an administrator
    allowed them; the secret of a credential is sent only to the hosts it names, and never logged.
    """
    asked = run.parameters
    secret_headers, hidden = _secret_of(run) if asked.credential else ({}, ())
    run.log(f"{asked.method} {asked.address}")
    answer = outbound.send(
        outbound.Call(
            method=asked.method,
            address=asked.address,
            headers=read_headers(asked.headers),
            secret_headers=secret_headers,
            body=asked.body.encode(),
            timeout_seconds=asked.timeout_seconds,
            follow_redirects=asked.follow_redirects,
        )
    )
    if answer.address != asked.address:
        run.log(_hide(f"Redirected to {answer.address}", hidden=hidden))
    run.log(f"Answer: {status_words(answer.status)}, {len(answer.body):,} bytes.")
    excerpt = _hide(_text_of(answer), hidden=hidden)
    if excerpt:
        run.log(excerpt if len(excerpt) <= EXCERPT_LENGTH else f"{excerpt[:EXCERPT_LENGTH]}…")
    if not is_expected(answer.status, expected=asked.expected_status):
        raise UnexpectedStatus(
            f"{asked.method} {asked.address} answered {status_words(answer.status)}; "
            f"expected was {asked.expected_status}."
        )


def read_headers(lines: list[str]) -> dict[str, str]:
    """Header lines as a dictionary; raises ``ValueError`` naming the line and the remedy."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        printable = value.isascii() and value.isprintable()
        if not colon or not _HEADER_NAME.fullmatch(name) or not printable:
            raise ValueError(
                f"the header “{line[:60]}” cannot be read. Write it like Accept: application/json."
            )
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"the header “{name}” is set by the request itself. Remove it.")
        found[name] = value
    return found


def read_statuses(text: str) -> list[str]:
    """The expected statuses, each three digits or a class such as ``2xx``; raises ``ValueError``."""
    found = [part.strip().lower() for part in text.split(",") if part.strip()]
    wrong = [part for part in found if not _STATUS.fullmatch(part)]
    if wrong or not found:
        raise ValueError(f"the expected status “{', '.join(wrong)}” is none. Write 200, 204 or 2xx.")
    return found


def is_expected(status: int, *, expected: str) -> bool:
    return any(part in (str(status), f"{status // 100}xx") for part in read_statuses(expected))


def status_words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _secret_of(run: Run[HttpRequest]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The header a credential adds, and the texts that must not reach the log."""
    credential = secrets.find_credential(run.parameters.credential, company=run.company)
    host, port, encrypted = outbound.target_of(run.parameters.address)
    hosts = [item.strip() for item in credential.allowed_hosts.split(",") if item.strip()]
    if not is_allowed_host(host, port, None, allowed=hosts):
        raise CredentialNotForHost(
            f"The credential “{credential.name}” may not be sent to “{host}”. "
            "Add the host to the hosts of the credential, or use another credential."
        )
    if not encrypted:
        run.log("The secret travels unencrypted: the address begins with http://.", level=Level.WARNING)
    secret = secrets.reveal(credential)
    if credential.kind == Credential.Kind.HEADER:
        return {credential.user_name or "X-Api-Key": secret}, (secret,)
    if credential.kind == Credential.Kind.BEARER:
        return {"Authorization": f"Bearer {secret}"}, (secret,)
    pair = b64encode(f"{credential.user_name}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}, (secret, pair)


def _text_of(answer: outbound.Answer) -> str:
    kind = answer.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    readable = kind.startswith("text/") or kind.endswith(
        ("json", "xml", "javascript", "x-www-form-urlencoded")
    )
    return answer.text.replace("\x00", "") if readable else ""


def _hide(text: str, *, hidden: tuple[str, ...]) -> str:
    for part in hidden:
        text = text.replace(part, secrets.HIDDEN)
    return text

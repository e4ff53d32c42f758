"""Mail: do messages reach people?"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.mail import get_connection

from jobqueue.doctor.registry import Result, check, failure, ok, warning

NOT_SENT = {
    "console": "printed on the console",
    "filebased": "written into files",
    "locmem": "kept in memory",
    "dummy": "thrown away",
}
SECONDS = 5


@check("Mail", needs_database=False, rank=70)
def mail() -> Iterable[Result]:
    kind = settings.EMAIL_BACKEND.rpartition("backends.")[2].split(".")[0]
    if kind in NOT_SENT:
        yield warning(
            f"Mails are not sent, they are {NOT_SENT[kind]}: nobody hears of failures.",
            fix="Set EMAIL_URL, such as smtp+tls://user:password@mail.example:587.",
        )
    elif kind == "smtp":
        yield _server()
    else:
        yield ok(f"Mails are sent by {settings.EMAIL_BACKEND}.")


def _server() -> Result:
    """Connects and signs in; sends nothing."""
    place = f"{settings.EMAIL_HOST} port {settings.EMAIL_PORT}"
    sender: Any = get_connection(timeout=SECONDS)
    try:
        sender.open()
        sender.close()
    except OSError as error:
        words = " ".join(str(error).split())
        return failure(
            f"The mail server {place} does not take mail: {words}",
            fix="Correct EMAIL_URL, or ask whoever runs the mail server.",
        )
    return ok(f"The mail server {place} accepts this installation.")

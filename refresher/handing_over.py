"""The configuration of the worker outside for one runner user: the one time its credential leaves the product."""

import json
from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction

from jobqueue import api_tokens
from jobqueue.actors import Actor
from jobqueue.errors import Refused
from refresher.entra.credentials import hand_over
from refresher.entra.models import EntraApplication
from refresher.entra.sign_in import Login
from refresher.models import Runner
from refresher.rights import require_rights

HEAD = """\
# The worker outside, as the runner user {name}. Made by Jobwarden at {now:%Y-%m-%d %H:%M} UTC.
# It holds secrets: let nobody read it but the worker (chmod 600). Jobwarden cannot show them again.
# Several runner users go into one file: add the part [[runners]] of each.
"""
PLACES = """
[status]
file = "/var/lib/jobwarden-worker/status.json"

# Whom the worker tells when Jobwarden cannot:
# [mail]
# host = "mail.example.com"
# sender = "jobwarden-worker@example.com"
# recipients = ["oncall@example.com"]
"""


def worker_configuration(runner: Runner, *, url: str, actor: Actor, now: datetime) -> str:
    """A TOML file for ``python -m refresher.worker`` with the runner's credential and a token of the worker's own.

    A runner with an Entra application hands over that credential, once; any other gets a new API token. ``url`` is
    where the worker reaches this installation. Raises ``NotAllowed``, and ``Refused`` if the credential left before.
    """
    require_rights(actor)
    with transaction.atomic():
        application = EntraApplication.objects.select_related("tenant").filter(runner=runner).first()
        if application is not None:
            found = _entra(runner, application, hand_over(application, actor=actor, now=now))
        else:
            found = _section("[[runners]]", name=runner.name, token=_token(runner, "refresh", actor, now))
        own = _section("[product]", url=url.rstrip("/"), token=_token(runner, "watch", actor, now))
    return "\n".join((HEAD.format(name=runner.name, now=now), own, found + PLACES))


def file_name(runner: Runner) -> str:
    """A name for the file, of plain letters."""
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in runner.name)
    return f"worker-{kept.lower()}.toml"


def _entra(runner: Runner, application: EntraApplication, login: Login) -> str:
    authority = urlsplit(login.authority)
    credential = (
        {"private_key": login.private_key, "certificate": login.certificate}
        if login.private_key
        else {"secret": login.secret}
    )
    return "\n".join(
        (
            _section("[login]", authority=f"{authority.scheme}://{authority.netloc}"),
            _section(
                "[[runners]]",
                name=runner.name,
                tenant_id=str(application.tenant.tenant_id),
                client_id=login.client_id,
                resource=login.resource,
                **credential,
            ),
        )
    )


def _token(runner: Runner, scope: str, actor: Actor, now: datetime) -> str:
    if not api_tokens.is_application(runner.user):
        raise Refused(
            f"“{runner.name}” can sign in to the admin; a runner user of the worker may not. Take staff status and "
            "password from it, or register a user of its own.",
            code="not_an_application",
        )
    name = f"Outside worker, {scope}, {now:%Y-%m-%d %H:%M}"
    return api_tokens.make_application(actor, runner.user, name=name, scopes=[scope], now=now)[1]


def _section(head: str, **values: str) -> str:
    # A JSON string is a basic string of TOML.
    lines = [head, *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())]
    return "\n".join(lines) + "\n"

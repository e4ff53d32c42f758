"""Credentials: can the stored secrets be read with the present keys?"""

from collections.abc import Iterable

from jobqueue import secrets
from jobqueue.doctor.registry import Result, check, failure, ok
from jobqueue.secrets import CredentialUnusable

SHOWN = 5


@check("Credentials", rank=60)
def credentials() -> Iterable[Result]:
    unreadable, count = [], 0
    for row, _column, stored in secrets.sealed_rows():
        count += 1
        try:
            secrets.unseal(stored, what=str(row))
        except CredentialUnusable:
            unreadable.append(str(row))
    if unreadable:
        more = f" and {len(unreadable) - SHOWN} more" if len(unreadable) > SHOWN else ""
        yield failure(
            f"The secrets of {', '.join(unreadable[:SHOWN])}{more} cannot be read with the present keys.",
            fix="Put the key they were stored with into CREDENTIAL_KEYS, or enter the secrets again.",
        )
    else:
        yield ok(f"Every stored secret can be read ({count})." if count else "No secrets are stored.")

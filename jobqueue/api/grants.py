"""What the credentials of a request allow, beside what their user may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from jobqueue import api_tokens
from jobqueue.models import Company


@dataclass(frozen=True, slots=True)
class Grant:
    """``request.auth`` of every authenticated request.

    ``kind`` names the credentials, such as ``session``, ``token`` or ``entra``; ``reference`` tells them apart in the
    log without being a secret. ``scopes`` None means no limit beyond the user's own rights, as in a session.
    """

    kind: str
    reference: str = ""
    scopes: frozenset[str] | None = None
    company_id: UUID | None = None

    @classmethod
    def limited(
        cls, kind: str, *, reference: str, scopes: Iterable[str], company_id: UUID | None = None
    ) -> "Grant":
        return cls(kind, reference, frozenset(scopes), company_id)

    def covers(self, scope: str) -> bool:
        return self.scopes is None or api_tokens.covers(self.scopes, scope)

    def reaches(self, company: Company) -> bool:
        return self.company_id is None or self.company_id == company.pk


SESSION = Grant("session")

"""What the credentials of a request allow, beside what their user may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jobqueue import api_tokens
from jobqueue.models import Company


@dataclass(frozen=True, slots=True)
class Grant:
    """``request.auth`` of every authenticated request.

    ``kind`` names the credentials, such as ``session``, ``token`` or ``entra``; ``reference`` tells them apart in the
    log without being a secret, ``name`` is what people call them. ``scopes`` None means no limit beyond the user's own
    rights, as in a session. ``expires_at`` is when the credentials end by themselves, if that is known.
    """

    kind: str
    reference: str = ""
    scopes: frozenset[str] | None = None
    company_id: UUID | None = None
    name: str = ""
    expires_at: datetime | None = None

    @classmethod
    def limited(
        cls,
        kind: str,
        *,
        reference: str,
        scopes: Iterable[str],
        company_id: UUID | None = None,
        name: str = "",
        expires_at: datetime | None = None,
    ) -> "Grant":
        return cls(kind, reference, frozenset(scopes), company_id, name, expires_at)

    @property
    def words(self) -> str:
        """How the history names the credentials; empty for a session, whose user says enough."""
        if self.scopes is None:
            return ""
        return f"{self.name} ({self.reference}…)" if self.name else f"{self.kind} {self.reference}".strip()

    def covers(self, scope: str) -> bool:
        return self.scopes is None or api_tokens.covers(self.scopes, scope)

    def reaches(self, company: Company) -> bool:
        return self.company_id is None or self.company_id == company.pk


SESSION = Grant("session")

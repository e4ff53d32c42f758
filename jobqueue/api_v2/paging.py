"""Lists in order and in pages: the next page begins after the last row of this one, not after a number of rows.

The token in ``@odata.nextLink`` is signed and holds the sort keys of the last row. Rows that come or go in between
neither repeat nor hide others.
"""

from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.db.models import F, Q, QuerySet

from jobqueue.api_v2.errors import QueryError
from jobqueue.api_v2.resources import Property, Resource

LARGEST_PAGE = 20_000
MOST_KEYS = 8
SALT = "jobqueue.api_v2.paging"


@dataclass(frozen=True)
class Order:
    """Sort keys, most significant first, each with its direction; the resource's row order settles ties."""

    resource: Resource
    keys: tuple[tuple[Property, bool], ...] = ()

    @property
    def signature(self) -> str:
        keys = ",".join(f"{'-' if downwards else ''}{found.name}" for found, downwards in self.keys)
        return f"{self.resource.name}:{keys}"

    def applied(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows in this order; sort keys that are no plain column are annotated."""
        return self._annotated(rows).order_by(*self.expressions())

    def expressions(self) -> list[Any]:
        """What to order by, once the rows are annotated."""
        return [F(name).desc() if downwards else F(name).asc() for name, downwards in self._columns()]

    def after(self, rows: QuerySet[Any], token: str) -> QuerySet[Any]:
        """The rows that come after the one the token was made of; ``QueryError`` for a token of another list."""
        values = self._values(token)
        reached, before = Q(pk__in=[]), Q()
        for (name, downwards), value in zip(self._columns(), values, strict=True):
            reached |= before & Q(**{f"{name}__{'lt' if downwards else 'gt'}": value})
            before &= Q(**{name: value})
        return self._annotated(rows).filter(reached)

    def token(self, row: Any) -> str:
        """Names the place after ``row``, which comes from :meth:`applied`."""
        values = [getattr(row, name) for name, _ in self._columns()]
        frozen = [found.key_kind.frozen(value) for (found, _), value in zip(self.keys, values, strict=False)]
        return signing.dumps([self.signature, *frozen, values[-1]], salt=SALT)

    def _values(self, token: str) -> list[Any]:
        try:
            signature, *frozen = signing.loads(token, salt=SALT)
        except signing.BadSignature:
            signature, frozen = "", []
        if signature != self.signature:
            raise QueryError("$skiptoken is not one this list gave in this order. Begin without it.")
        thawed = [found.key_kind.thawed(value) for (found, _), value in zip(self.keys, frozen, strict=False)]
        return [*thawed, frozen[-1]]

    def _columns(self) -> list[tuple[str, bool]]:
        found = [
            (self._alias(place) if key.annotated else key.column, downwards)
            for place, (key, downwards) in enumerate(self.keys)
        ]
        last = self.resource.row_order
        return [*found, (last.lstrip("-"), last.startswith("-"))]

    def _annotated(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        for place, (key, _) in enumerate(self.keys):
            if key.annotated:
                rows = rows.annotate(**{self._alias(place): key.key_to_order_by()})
        return rows

    @staticmethod
    def _alias(place: int) -> str:
        return f"sort_key_{place}"


def order_of(text: str, *, resource: Resource) -> Order:
    """The order an ``$orderby`` means; without one, the row order of the resource."""
    keys: list[tuple[Property, bool]] = []
    for part in text.split(",") if text.strip() else ():
        words = part.split()
        if not 1 <= len(words) <= 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            raise QueryError(
                f"“{part.strip()[:60]}” in $orderby is not understood. "
                "Write a property, followed by asc or desc if need be."
            )
        found = resource.by_name.get(words[0])
        if found is None:
            raise QueryError(
                f"Could not find a property named “{words[0][:60]}” on {resource.entity} for $orderby. "
                "Names are spelled as in the answers."
            )
        if not found.orderable:
            raise QueryError(f"Rows cannot be ordered by “{found.name}”. Choose another property.")
        keys.append((found, words[1:] == ["desc"]))
    if len(keys) > MOST_KEYS:
        raise QueryError(f"$orderby names more than {MOST_KEYS} properties. Name fewer.")
    return Order(resource, tuple(keys))

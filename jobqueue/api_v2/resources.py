"""What a resource is: its properties, its rows and its order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from jobqueue.api_v2.kinds import Choice, Kind

Condition = Callable[[str, Any], Q]


@dataclass(frozen=True)
class Property:
    """One property. ``read`` takes the value from a row; ``column`` is where filters and orders look.

    ``condition`` stands in for the column where there is none to compare: it gets eq, gt, ge, lt or le and the value.
    ``sort_key`` is what to order by where there is no column, a value of the type ``frozen_as`` (that of the property).
    ``written`` is the field of the entry a request may set by it.
    """

    name: str
    kind: Kind
    read: Callable[[Any], Any]
    column: str = ""
    nullable: bool = False
    sortable: bool = True
    condition: Condition | None = None
    sort_key: Callable[[], Any] | None = None
    frozen_as: Kind | None = None
    written: str = ""
    to_field: Callable[[Any], Any] | None = None

    @property
    def filterable(self) -> bool:
        return bool(self.column or self.condition)

    @property
    def orderable(self) -> bool:
        return self.sortable and bool(self.column or self.sort_key)

    @property
    def annotated(self) -> bool:
        """Whether ordering by it needs an expression beside the columns."""
        return self.sort_key is not None or self.nullable or "__" in self.column

    @property
    def key_kind(self) -> Kind:
        """The type of the values rows are ordered by."""
        return self.frozen_as or self.kind

    def key_to_order_by(self) -> Any:
        if self.sort_key is not None:
            return self.sort_key()
        return self.kind.sort_key(self.column, nullable=self.nullable)

    @property
    def type_name(self) -> str:
        return self.kind.type_name if isinstance(self.kind, Choice) else self.kind.edm


@dataclass(frozen=True)
class Resource:
    """A collection. ``row_order`` are the unique column that settles the order of rows and its direction."""

    name: str
    entity: str
    properties: tuple[Property, ...]
    row_order: str
    etag: Callable[[Any], str] | None = None
    by_name: dict[str, Property] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {found.name: found for found in self.properties})

"""Keeps the product's tables out of every database but its own."""

from typing import Any


class ReadOnlyAliases:
    """Only ``default`` is ever migrated; ``reporting`` and ``demo_shop`` belong to somebody else."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return None if db == "default" else False

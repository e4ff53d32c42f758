"""A caller of the API."""

from tests.api.conftest import calling, company, fresh_counts

__all__ = ["calling", "company", "fresh_counts"]

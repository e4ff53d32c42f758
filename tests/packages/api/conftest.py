"""A caller of the API in the company of the packages."""

from tests.api.conftest import calling, company, fresh_counts

__all__ = ["calling", "company", "fresh_counts"]

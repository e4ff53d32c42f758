"""The people of the admin's tests."""

from tests.admin.conftest import company, signed_in

__all__ = ["company", "signed_in"]

"""People signed in to the admin, for tests that look at the pages among other things."""

from tests.admin.conftest import company, signed_in

__all__ = ["company", "signed_in"]

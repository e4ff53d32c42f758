"""The admin's people and short ways, for the pages of the refresher."""

from tests.admin.conftest import company, signed_in

__all__ = ["company", "signed_in"]

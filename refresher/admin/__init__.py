"""Admin pages of the refresher; importing the package registers them."""

from refresher.entra import pages

__all__ = ["pages"]

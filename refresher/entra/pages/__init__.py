"""Admin pages of Entra ID; importing the package registers them."""

from refresher.entra.pages import applications, sidebar, tenants

__all__ = ["applications", "sidebar", "tenants"]

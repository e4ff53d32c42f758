"""Admin pages of the refresher; importing the package registers them and what they add to other pages."""

from refresher.admin import hooks, jobs, log, runners, setup_card
from refresher.entra import pages

__all__ = ["hooks", "jobs", "log", "pages", "runners", "setup_card"]

hooks.register()

"""The pages of packages. Importing the package registers them and what they add to the job queue's own pages."""

from packages.admin import hooks, log, packages, told

__all__ = ["hooks", "log", "packages", "told"]

hooks.register()
told.register()

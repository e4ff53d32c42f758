"""Wiring of the admin: our site takes the place of Django's default one."""

from importlib import import_module

from django.contrib.admin.apps import AdminConfig


class JobwardenAdminConfig(AdminConfig):
    default_site = "jobqueue.admin.site.JobQueueSite"

    def ready(self) -> None:
        # Our pages first: were another app's page to ask for the site before, importing the site would register ours
        # on a second one that is thrown away.
        import_module("jobqueue.admin")
        super().ready()

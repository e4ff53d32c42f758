"""Wiring of the admin: our site takes the place of Django's default one."""

from django.contrib.admin.apps import AdminConfig


class JobwardenAdminConfig(AdminConfig):
    default_site = "jobqueue.admin.site.JobQueueSite"

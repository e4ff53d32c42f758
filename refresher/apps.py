"""Start-up of the refresher app."""

from django.apps import AppConfig


class RefresherConfig(AppConfig):
    name = "refresher"
    verbose_name = "External job queue refresher"

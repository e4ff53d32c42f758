"""The demo company as an installed app, so that its job objects are found; installed only when DEMO is on."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "config.demo"
    label = "demo"
    verbose_name = "Demo company"

"""Start-up of the notifications app: its scenarios, channels and routines, and what it listens to."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from jobqueue import secrets
        from notifications import entry_scenarios  # noqa: F401  (registration needs a loaded app registry)
        from notifications.models import ChannelTarget

        secrets.register_sealed(ChannelTarget, "address_encrypted")
        secrets.register_sealed(ChannelTarget, "secret_encrypted")

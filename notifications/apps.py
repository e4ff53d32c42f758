"""Start-up of the notifications app: its scenarios, channels and routines, and what it listens to."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from jobqueue import secrets
        from notifications import channels, entry_scenarios, routines  # noqa: F401  (registration needs loaded apps)
        from notifications.channels.email import EmailChannel
        from notifications.models import ChannelTarget, Message

        channels.serve(Message.Channel.EMAIL, EmailChannel)
        secrets.register_sealed(ChannelTarget, "address_encrypted")
        secrets.register_sealed(ChannelTarget, "secret_encrypted")

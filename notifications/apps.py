"""Start-up of the notifications app: its scenarios, channels and routines, and what it listens to."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from jobqueue import secrets
        from notifications import channels, entry_scenarios, routines  # noqa: F401  (registration needs loaded apps)
        from notifications.channels.email import EmailChannel
        from notifications.channels.targets import SlackChannel, TeamsChannel, WebhookChannel
        from notifications.models import ChannelTarget, Message

        channels.serve(Message.Channel.EMAIL, EmailChannel)
        channels.serve(Message.Channel.WEBHOOK, WebhookChannel)
        channels.serve(Message.Channel.TEAMS, TeamsChannel)
        channels.serve(Message.Channel.SLACK, SlackChannel)
        secrets.register_sealed(ChannelTarget, "address_encrypted")
        secrets.register_sealed(ChannelTarget, "secret_encrypted")

"""Start-up of the notifications app: its scenarios, channels and routines, and what it listens to."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db.models.signals import pre_delete

        from jobqueue import audit, events, secrets
        from notifications import channels, doctor, entry_occasions, remarks, routines, subscriptions, watch  # noqa: F401  (they register)
        from notifications.channels.email import EmailChannel
        from notifications.channels.targets import SlackChannel, TeamsChannel, WebhookChannel
        from notifications.models import (
            ChannelTarget,
            DefaultList,
            Message,
            NotificationLine,
            NotificationList,
            RecipientPreference,
        )

        channels.serve(Message.Channel.EMAIL, EmailChannel)
        channels.serve(Message.Channel.WEBHOOK, WebhookChannel)
        channels.serve(Message.Channel.TEAMS, TeamsChannel)
        channels.serve(Message.Channel.SLACK, SlackChannel)
        audit.watch(ChannelTarget, without=["address_encrypted", "secret_encrypted"])
        audit.watch(NotificationList, without=["changed_at", "remark"])
        audit.watch(NotificationLine)
        audit.watch(DefaultList)
        audit.watch(RecipientPreference)
        secrets.register_sealed(ChannelTarget, "address_encrypted")
        secrets.register_sealed(ChannelTarget, "secret_encrypted")
        pre_delete.connect(
            remarks.note_lost_recipient, sender=get_user_model(), dispatch_uid="notifications.remarks"
        )
        for signal, receiver in (
            (events.failed_for_good, entry_occasions.on_failed_for_good),
            (events.stopped_by_schedule, entry_occasions.on_stopped_by_schedule),
            (events.after_watched_finish, entry_occasions.on_watched_finish),
            (events.before_insert_entry, subscriptions.watch_new_entry),
            (events.minute_passed, watch.on_minute_passed),
            (events.after_adopt, watch.on_adopt),
        ):
            signal.connect(receiver, dispatch_uid=f"notifications.{receiver.__name__}")

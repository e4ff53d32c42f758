"""Start-up of the refresher app: its routines, its scenarios, and what it listens to."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate


class RefresherConfig(AppConfig):
    name = "refresher"
    verbose_name = "External job queue refresher"

    def ready(self) -> None:
        from jobqueue import audit, events
        from refresher import (  # noqa: F401  (registration needs a loaded app registry)
            doctor,
            following,
            guarding,
            routines,
            setup,
            sign_in,
            telling,
            watching,
        )
        from refresher.entra import start
        from refresher.entra.models import EntraApplication, EntraTenant
        from refresher.models import RefreshSetup, Runner

        start.register()
        audit.watch(RefreshSetup, without=["last_request_at", "overdue_told_at"])
        audit.watch(Runner, only=["user", "is_enabled"])
        audit.watch(EntraTenant, without=["secret_encrypted"])
        audit.watch(EntraApplication, without=["secret_encrypted", "certificate", "warned_days"])
        events.before_change_entry.connect(guarding.before_change, dispatch_uid="refresher.guarding")
        events.before_delete_entry.connect(guarding.before_delete, dispatch_uid="refresher.guarding")
        events.after_adopt.connect(guarding.after_adopt, dispatch_uid="refresher.guarding")
        events.failed_for_good.connect(following.after_failure, dispatch_uid="refresher.following")
        events.after_watched_finish.connect(following.after_finish, dispatch_uid="refresher.following")
        events.minute_passed.connect(watching.after_a_minute, dispatch_uid="refresher.watching")
        user_logged_in.connect(sign_in.after_sign_in, dispatch_uid="refresher.sign_in")
        post_migrate.connect(setup.ensure_shipped_rows, sender=self, dispatch_uid="refresher.setup")

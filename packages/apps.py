"""Start-up of the packages app: scenarios, routines, rights, and what it listens to."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PackagesConfig(AppConfig):
    name = "packages"
    verbose_name = "Packages"

    def ready(self) -> None:
        from jobqueue import audit, events
        from notifications.events import before_change_list
        from packages import lists, routines, scenarios, setup  # noqa: F401  (registration needs loaded apps)
        from packages.engine import hooks
        from packages.lifecycle import adopting, editing
        from packages.models import Package, PackageLine, Recurrence

        audit.watch(
            Package,
            only=["company", *editing.SETTABLE],
            sets=["notification_lists"],
        )
        audit.watch(PackageLine)
        audit.watch(Recurrence)
        events.finished_owned.connect(hooks.line_ended, dispatch_uid="packages.line_ended")
        events.minute_passed.connect(hooks.minute_passed, dispatch_uid="packages.minute_passed")
        events.before_delete_category.connect(hooks.refuse_used_category, dispatch_uid="packages.category")
        events.after_adopt.connect(adopting.hold_adopted, dispatch_uid="packages.adopting")
        before_change_list.connect(lists.refuse_while_locked, dispatch_uid="packages.lists")
        post_migrate.connect(setup.ensure_granted, sender=self, dispatch_uid="packages.setup")

"""``manage.py demo``: makes the demo company, or removes it."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, CommandParser

from config.demo.places import demo_places
from jobqueue.errors import JobQueueError
from jobqueue.scheduler.clock import database_now


class Command(BaseCommand):
    help = "Makes the demo company Harbour Trading with files, shop database and entries. Safe to run again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--user", help="Running user of the entries; the first administrator unless given."
        )
        parser.add_argument(
            "--reset", action="store_true", help="Remove the demo company with all its records and files."
        )
        parser.add_argument("--yes", action="store_true", help="Confirms --reset.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo company is switched off here. Set DEMO=on to have it.")
        from config.demo import (
            company,
        )  # imports the demo's job objects, which are installed only when DEMO is on

        places = demo_places()
        try:
            if options["reset"]:
                if not options["yes"]:
                    raise CommandError(
                        f"This deletes the company {company.NAME}, its log, and {places.root}. Add --yes."
                    )
                company.reset(places)
                self._say(f"{company.NAME} is gone.", options)
                return
            made = company.seed(places, user=self._user(options["user"]), now=database_now())
        except JobQueueError as error:
            raise CommandError(str(error)) from error
        self._say(
            f"{company.NAME} is ready in {places.root}." if made else f"{company.NAME} was there already.",
            options,
        )

    def _say(self, text: str, options: dict[str, Any]) -> None:
        if options["verbosity"]:
            self.stdout.write(text)

    def _user(self, name: str | None) -> User:
        users = get_user_model()._default_manager.filter(is_active=True, is_superuser=True).order_by("pk")
        user = users.filter(**{get_user_model().USERNAME_FIELD: name}).first() if name else users.first()
        if user is None:
            wanted = f"an administrator “{name}”" if name else "an administrator"
            raise CommandError(
                f"There is no active user who is {wanted}. Make one with “manage.py createsuperuser”."
            )
        return user

"""Makes the company Harbour Trading with all that lives in it, once; and takes all of it away again."""

import shutil
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ManyToOneRel, Model, ProtectedError, QuerySet

from config.demo import on_call, packages, watched
from config.demo.entries import plan
from config.demo.jobs import COMPANY
from config.demo.places import Places
from config.demo.samples import make_sample_data
from jobqueue import lifecycle
from jobqueue.actors import Actor
from jobqueue.errors import Refused
from jobqueue.models import Category, Company, Entry, LogEntry
from jobqueue.states import Origin, Status

CODE, NAME, TIME_ZONE = COMPANY, "Harbour Trading", "Europe/Brussels"
CATEGORIES = {"BANK": "Talks to the bank, one by one", "SALES": "Orders and invoices"}


def seed(places: Places, *, user: User, now: datetime) -> bool:
    """Makes what is missing of files and company; False if everything was there. Safe to run again.

    The entries run as ``user``, whose report inbox they fill. The company becomes the default company if the present
    one is still empty, so that a newcomer's first look shows life.
    """
    made_files = _make_files(places, now=now)
    if Company.objects.filter(code=CODE).exists():
        return made_files
    with transaction.atomic():
        company = Company.objects.create(code=CODE, name=NAME, time_zone=TIME_ZONE)
        for code, description in CATEGORIES.items():
            Category.objects.create(company=company, code=code, description=description)
        actor = Actor(user=user, origin=Origin.COMMAND)
        on_call.make(company, actor=actor, now=now)
        _make_entries(company, actor=actor, now=now)
        packages.make(company, actor=actor, now=now)
        watched.make(company, actor=actor, now=now)
        _make_default(company)
    return True


def _make_files(places: Places, *, now: datetime) -> bool:
    """All or nothing: the folder appears under its name when it is complete."""
    if places.shop.exists():
        return False
    unfinished = Places(places.root.with_name(places.root.name + ".unfinished"))
    shutil.rmtree(unfinished.root, ignore_errors=True)
    make_sample_data(unfinished, today=now.date())
    shutil.rmtree(places.root, ignore_errors=True)
    unfinished.root.replace(places.root)
    return True


def _make_entries(company: Company, *, actor: Actor, now: datetime) -> None:
    for planned in plan(now=now, time_zone=company.time_zone):
        entry = lifecycle.create_entry(company, planned.values, actor=actor, now=now)
        if planned.hold_reason:
            lifecycle.set_on_hold(entry, actor=actor, reason=planned.hold_reason)
            continue
        entry = lifecycle.set_ready(entry, actor=actor)
        if planned.also_now:
            lifecycle.run_now(entry, actor=actor)


def _make_default(company: Company) -> None:
    present = Company.objects.filter(is_default=True).first()
    if present is not None:
        if (
            Entry.objects.filter(company=present).exists()
            or LogEntry.objects.filter(company=present).exists()
        ):
            return
        Company.objects.filter(pk=present.pk).update(is_default=False)
    Company.objects.filter(pk=company.pk).update(is_default=True)


def reset(places: Places) -> None:
    """Removes the company with all its records and the folder. Raises ``Refused`` while one of its jobs is running."""
    with transaction.atomic():
        company = Company.objects.filter(code=CODE).select_for_update().first()
        if company is not None:
            if Entry.objects.filter(company=company, status=Status.IN_PROCESS).exists():
                raise Refused(
                    f"A job of {company} is running. Wait for its end, or stop the worker, and try again."
                )
            _delete_records(company)
            company.delete()
            if company.is_default:
                successor = Company.objects.order_by("code").first()
                Company.objects.filter(pk=getattr(successor, "pk", None)).update(is_default=True)
    shutil.rmtree(places.root, ignore_errors=True)


def _delete_records(company: Company) -> None:
    """Deletes the records of every model that names a company, those others refer to last."""
    relations = Company._meta.get_fields(include_hidden=True)
    left: list[QuerySet[Model]] = [
        relation.related_model._base_manager.filter(**{relation.field.name: company})
        for relation in relations
        if isinstance(relation, ManyToOneRel) and not isinstance(relation.related_model, str)
    ]
    while left:
        protected = []
        for records in left:
            try:
                with transaction.atomic():
                    records.all().delete()
            except ProtectedError:
                protected.append(records)
        if len(protected) == len(left):
            names = ", ".join(str(records.model._meta.verbose_name_plural) for records in left)
            raise Refused(
                f"Records of another company refer to the {names} of {company}; the demo was not removed."
            )
        left = protected

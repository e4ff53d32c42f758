"""Builders of rows for tests: every argument has a default, each row is valid, and only rows are written.

They go round the verbs on purpose: a test of one verb should not depend on another one.
"""

import itertools
from datetime import UTC, datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from jobqueue.actors import Actor
from jobqueue.models import Category, Company, CompanyMember, Entry, LogEntry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.states import HoldKind, LogStatus, ObjectType, Origin, Status

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday

SUCCESS_OBJECT = 90001
FAILING_OBJECT = 90002

_numbers = itertools.count(1)


def make_company(code: str | None = None, *, members=(), is_default: bool = False, **fields) -> Company:
    """A company; ``members`` limits these users to it. Asked again for the same code: the same company."""
    code = code or f"company{next(_numbers)}"
    values = {"name": code.title(), "is_default": is_default, **fields}
    company, _ = Company.objects.get_or_create(code=code, defaults=values)
    for user in members:
        CompanyMember.objects.get_or_create(company=company, user=user)
    return company


def default_company() -> Company:
    """The default company, made if migrating did not leave one."""
    company = Company.objects.filter(is_default=True).first()
    return company or make_company("main", is_default=True)


def make_user(name: str | None = None, *, groups=(), permissions=(), is_superuser: bool = False, **fields):
    """A user who may sign in; ``groups`` by name, ``permissions`` as ``app.codename``."""
    name = name or f"user{next(_numbers)}"
    user = get_user_model()(
        username=name, email=f"{name}@example.com", is_staff=True, is_superuser=is_superuser, **fields
    )
    user.set_unusable_password()
    user.save()
    for group in groups:
        user.groups.add(Group.objects.get(name=group))
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def make_superuser(name: str | None = None, **fields):
    return make_user(name, is_superuser=True, **fields)


def actor_of(user, *, origin: Origin = Origin.ADMIN) -> Actor:
    return Actor(user=user, origin=origin)


def make_category(code: str = "BANK", *, company: Company | None = None, **fields) -> Category:
    company = company or default_company()
    return Category.objects.get_or_create(
        company=company, code=code, defaults={"description": code, **fields}
    )[0]


def make_entry(
    *,
    status: Status = Status.ON_HOLD,
    company: Company | None = None,
    user=None,
    object_id: int = SUCCESS_OBJECT,
    object_type: ObjectType = ObjectType.CODEUNIT,
    **fields,
) -> Entry:
    """One stored entry in the given status, without a task unless ``system_task_id`` is given.

    ``recurring=True`` alone means every day of the week, every 60 minutes. Without ``user`` a new superuser
    runs it, except for system entries.
    """
    company = company or default_company()
    if user is None and not fields.get("is_system"):
        user = make_superuser()
    if fields.get("recurring") and not fields.get("next_run_date_formula"):
        days = [key for key in fields if key.startswith("run_on_")]
        if not days:
            fields.update(dict.fromkeys(WEEKDAY_FIELDS, True))
        fields.setdefault("minutes_between_runs", 60)
    if status == Status.ON_HOLD:
        fields.setdefault("hold_kind", HoldKind.DRAFT)
    else:
        fields.setdefault("hold_kind", "")
    values = {
        "description": f"Job {next(_numbers)}",
        "created_at": NOW,
        "modified_at": NOW,
        "last_ready_state_at": NOW,
        "created_by": user,
        "time_zone": company.time_zone,
        **fields,
    }
    return Entry.objects.create(
        company=company, user=user, object_type=object_type, object_id=object_id, status=status, **values
    )


def make_recurring_entry(**fields) -> Entry:
    return make_entry(recurring=True, **fields)


def make_log_entry(
    entry: Entry | None = None, *, status: LogStatus = LogStatus.SUCCESS, due_at: datetime = NOW, **fields
) -> LogEntry:
    """One ledger row of ``entry``; final unless it is In Process."""
    entry = entry or make_entry()
    running = status == LogStatus.IN_PROCESS
    values = {
        "is_final": not running,
        "started_at": due_at,
        "ended_at": None if running else due_at,
        "claimed_at": due_at,
        "description": entry.description,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "parameter_string": entry.parameter_string,
        "parameters": entry.parameters,
        "category_code": entry.category_code,
        "user": entry.user,
        "modified_at": due_at,
        **fields,
    }
    return LogEntry.objects.create(
        entry_id=entry.id, company=entry.company, status=status, due_at=due_at, **values
    )

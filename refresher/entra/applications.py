"""Verbs on Entra applications: register one with its runner user, try to sign in, enable, remove.

All need the level *administer* in every company: runner users serve them all.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.api_tokens import is_application
from jobqueue.errors import Invalid, JobQueueError, Problem, Refused
from refresher import runners
from refresher.entra import bearer
from refresher.entra.credentials import login_of
from refresher.entra.models import EntraApplication, EntraTenant
from refresher.entra.sign_in import Credentials
from refresher.models import Runner
from refresher.rights import require_rights
from refresher.setup import RUNNER_GROUP

LONGEST_NAME = 50


def usable_name(name: str, *, actor: Actor) -> str:
    """The name, if a runner user may have it; raises ``Invalid`` for one that is no name or a person's."""
    require_rights(actor)
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        sentence = f"Enter a user name of at most {LONGEST_NAME} characters."
        raise Invalid([Problem("name", "invalid_name", sentence)])
    user = get_user_model().objects.filter(username__iexact=name).first()
    if user is not None and not is_application(user):
        sentence = f"“{user.get_username()}” is a person's user. Choose another name for the runner user."
        raise Invalid([Problem("name", "not_an_application", sentence)])
    return name


def runner_named(name: str, *, actor: Actor, now: datetime) -> Runner:
    """The runner with this user name, made with its application user if there is none.

    Raises ``Invalid`` if the name is not usable or belongs to a person.
    """
    name = usable_name(name, actor=actor)
    with transaction.atomic():
        user = get_user_model().objects.filter(username__iexact=name).first() or _application_user(name)
        return runners.register_runner(user, actor=actor, now=now)


def register(
    runner: Runner,
    *,
    tenant: EntraTenant,
    display_name: str,
    client_id: UUID,
    actor: Actor,
    now: datetime,
    object_id: UUID | None = None,
    service_principal_id: UUID | None = None,
) -> EntraApplication:
    """The record of a runner's application; found again, it is brought up to date and keeps its credential.

    Raises ``Refused`` if the application belongs to another runner.
    """
    require_rights(actor)
    _require_own(client_id, tenant=tenant, runner=runner)
    found, _ = EntraApplication.objects.update_or_create(
        runner=runner,
        defaults={
            "tenant": tenant,
            "display_name": display_name,
            "client_id": client_id,
            "object_id": object_id,
            "service_principal_id": service_principal_id,
            "is_enabled": True,
        },
        create_defaults={
            "tenant": tenant,
            "display_name": display_name,
            "client_id": client_id,
            "object_id": object_id,
            "service_principal_id": service_principal_id,
            "created_at": now,
            "created_by": actor.user,
        },
    )
    return found


def change(application: EntraApplication, values: Mapping[str, Any], *, actor: Actor) -> None:
    """Changes what is known of the application, by field name; a new end of its credential is warned of anew.

    Raises ``Refused`` if the client id belongs to another runner.
    """
    require_rights(actor)
    if "client_id" in values:
        _require_own(values["client_id"], tenant=application.tenant, runner=application.runner)
    changed = dict(values)
    if "credential_expires_at" in changed:
        changed["warned_days"] = None
    for name, value in changed.items():
        setattr(application, name, value)
    application.save(update_fields=list(changed))


def try_sign_in(application: EntraApplication, *, actor: Actor, now: datetime) -> str:
    """Signs in as the application now, and looks whether its token would be accepted; returns the good news.

    The result is kept on the record. Raises ``SignInFailed`` or the refusal of the token, in words.
    """
    require_rights(actor)
    try:
        token = Credentials(login_of(application)).token()
        bearer.accept(token.text)
    except JobQueueError as refusal:
        _note_test(application, ok=False, code=refusal.code, answer=refusal.message, now=now)
        raise
    minutes = token.expires_in_seconds // 60
    answer = f"“{application}” signs in, and its token ({minutes} min) holds the role {bearer.REFRESH_ROLE}."
    _note_test(application, ok=True, code="", answer=answer, now=now)
    return answer


def set_enabled(application: EntraApplication, enabled: bool, *, actor: Actor) -> None:
    """Whether access tokens of the application are accepted."""
    require_rights(actor)
    application.is_enabled = enabled
    application.save(update_fields=["is_enabled"])


def remove(application: EntraApplication, *, actor: Actor) -> None:
    """Forgets the application and its credential; the runner user stays, and so does what is in Entra ID."""
    require_rights(actor)
    application.delete()


def _require_own(client_id: UUID, *, tenant: EntraTenant, runner: Runner) -> None:
    taken = EntraApplication.objects.filter(tenant=tenant, client_id=client_id).exclude(runner=runner).first()
    if taken is not None:
        raise Refused(
            f"The application {client_id} belongs to the runner user “{taken.runner.name}” already. Each runner needs "
            "an application of its own.",
            code="application_taken",
        )


def _application_user(name: str) -> User:
    users = get_user_model()
    user = users(username=name, is_staff=False, is_active=True)
    user.set_unusable_password()
    user.save()
    user.groups.add(Group.objects.get(name=RUNNER_GROUP))
    # Permissions are remembered per object; the runner's are asked for next.
    return users.objects.get(pk=user.pk)


def _note_test(application: EntraApplication, *, ok: bool, code: str, answer: str, now: datetime) -> None:
    application.tested_at, application.test_succeeded = now, ok
    application.test_code, application.test_answer = code[:60], answer[:1000]
    application.save(update_fields=["tested_at", "test_succeeded", "test_code", "test_answer"])

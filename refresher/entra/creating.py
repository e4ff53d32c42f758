"""*Create External JQ Refresher User*: the application in Entra ID, its runner user here, credential and consent.

Source: *Refresher reference, Entra application registration and consent*. Nothing is rolled back when a step fails:
what was made stays, and the same action with the same name finds it and goes on. Unlike the original, a secret is good
for a year and is stored here, encrypted, until it is handed to the worker.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from jobqueue import secrets
from jobqueue.actors import Actor
from jobqueue.errors import JobQueueError, Refused
from jobqueue.models import Company
from refresher import setting_up
from refresher.asking import setup_of
from refresher.entra import credentials
from refresher.entra.applications import register, runner_named, usable_name
from refresher.entra.bearer import REFRESH_ROLE
from refresher.entra.errors import GraphFailed
from refresher.entra.graph import Graph, Principal, Registered
from refresher.entra.models import CredentialKind, EntraApplication, EntraTenant
from refresher.models import Runner
from refresher.rights import require_rights

SECRET_DAYS = 365


@dataclass(frozen=True, slots=True)
class Created:
    """What came of it: the record, whether it was new in Entra ID, and why consent is missing, if it is."""

    application: EntraApplication
    new_in_entra: bool
    consent_missing: str = ""
    became_default: bool = False

    @property
    def sentence(self) -> str:
        found = "was created" if self.new_in_entra else "was found in Entra ID and has a new credential"
        default = " It is the default runner user of this company now." if self.became_default else ""
        if self.consent_missing:
            return (
                f"The runner user “{self.application.runner.name}” {found}, but consent is still missing: "
                f"{self.consent_missing} Choose Grant Consent on its page.{default}"
            )
        return f"The runner user “{self.application.runner.name}” {found}, with consent.{default}"


def create(
    name: str,
    *,
    tenant: EntraTenant,
    graph: Graph,
    kind: CredentialKind,
    redirect_uri: str,
    company: Company,
    actor: Actor,
    now: datetime,
) -> Created:
    """Does all the steps; raises ``GraphFailed``, ``Refused`` or ``Invalid`` where it cannot go on."""
    name = usable_name(name, actor=actor)
    resource = _resource(graph, tenant)
    found = graph.applications_named(name)
    _refuse_taken(found, tenant=tenant, name=name)
    registered = found[0] if found else None
    if registered is None:
        registered = graph.create_application(
            name,
            redirect_uri=redirect_uri,
            resource_client_id=tenant.client_id,
            role_id=resource.roles[REFRESH_ROLE],
        )
    principal_id = graph.ensure_principal(registered.client_id)
    runner = runner_named(name, actor=actor, now=now)
    application = register(
        runner,
        tenant=tenant,
        display_name=name,
        client_id=registered.client_id,
        object_id=registered.object_id,
        service_principal_id=principal_id,
        actor=actor,
        now=now,
    )
    new_credential(application, graph=graph, kind=kind, actor=actor, now=now)
    missing = _consent(application, graph=graph, resource=resource, actor=actor, now=now)
    return Created(application, not found, missing, _default(runner, company=company, actor=actor))


def rotate(application: EntraApplication, *, graph: Graph, actor: Actor, now: datetime) -> str:
    """A new credential of the same kind in place of the present one, which ends in Entra ID at once.

    A secret that cannot be ended there is said, and no failure: the new one is stored here already.
    """
    require_rights(actor)
    if application.object_id is None:
        raise Refused(
            f"The object id of “{application}” is not known here. Enter it, or enter a new credential by hand.",
            code="object_id_missing",
        )
    old = application.credential_key_id
    kind = CredentialKind(application.credential_kind)
    new_credential(application, graph=graph, kind=kind, actor=actor, now=now, replaces=old)
    try:
        if kind == CredentialKind.SECRET and old is not None:
            graph.remove_password(application.object_id, key_id=old)
    except GraphFailed as failure:
        return (
            f"“{application}” has a new credential; give the worker a new configuration. The old one could not be "
            f"ended: {failure.message} Delete the client secret {old} in Entra ID."
        )
    return f"“{application}” has a new credential. Give the worker a new configuration: the old one is no longer good."


def new_credential(
    application: EntraApplication,
    *,
    graph: Graph,
    kind: CredentialKind,
    actor: Actor,
    now: datetime,
    replaces: uuid.UUID | None = None,
) -> None:
    """Makes a secret or certificate in Entra ID and stores it here."""
    assert application.object_id is not None
    secrets.seal("before anything is made that could not be kept")
    label = f"Jobwarden - {now:%Y-%m-%d %H:%M}"
    if kind == CredentialKind.CERTIFICATE:
        pem, key_id = credentials.new_certificate(application.display_name, now=now), uuid.uuid4()
        der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)
        graph.set_certificate(application.object_id, key_id=key_id, name=label, der=der, replaces=replaces)
        credentials.enter_certificate(application, pem, actor=actor, now=now, key_id=key_id)
        return
    made = graph.add_password(application.object_id, name=label, expires_at=now + timedelta(days=SECRET_DAYS))
    credentials.enter_secret(
        application, made.text, actor=actor, now=now, expires_at=made.expires_at, key_id=made.key_id
    )


def _resource(graph: Graph, tenant: EntraTenant) -> Principal:
    """Jobwarden's own service principal, which must offer the role; asked for before anything is made."""
    resource = graph.principal(tenant.client_id)
    if resource is None:
        raise Refused(
            f"Jobwarden's own application {tenant.client_id} has no service principal in “{tenant}”. Check its client "
            "id, or create its enterprise application in Entra ID.",
            code="resource_missing",
        )
    if REFRESH_ROLE not in resource.roles:
        raise Refused(
            f"Jobwarden's own application offers no role {REFRESH_ROLE} for applications. Add it in Entra ID under App "
            "roles.",
            code="role_missing",
        )
    return resource


def _refuse_taken(found: list[Registered], *, tenant: EntraTenant, name: str) -> None:
    if not found:
        return
    if found[0].client_id == tenant.client_id:
        raise Refused(
            f"“{name}” is Jobwarden's own application. Choose another name.", code="application_taken"
        )
    other = EntraApplication.objects.filter(tenant=tenant, client_id=found[0].client_id).first()
    if other is not None and other.runner.name.lower() != name.lower():
        raise Refused(
            f"The application “{name}” in Entra ID belongs to the runner user “{other.runner.name}”. Choose another "
            "name.",
            code="application_taken",
        )


def _consent(
    application: EntraApplication, *, graph: Graph, resource: Principal, actor: Actor, now: datetime
) -> str:
    """Grants the role; returns why that was not possible, for it is no reason to stop."""
    assert application.service_principal_id is not None
    try:
        graph.assign_role(
            principal_id=application.service_principal_id,
            resource_id=resource.object_id,
            role_id=resource.roles[REFRESH_ROLE],
        )
    except GraphFailed as failure:
        return failure.message
    note_consent(application, actor=actor, now=now)
    return ""


def note_consent(application: EntraApplication, *, actor: Actor, now: datetime) -> None:
    """Keeps that consent was granted. A note, no proof: it can be withdrawn in the directory."""
    application.consent_granted_at, application.consent_granted_by = now, actor.user
    application.save(update_fields=["consent_granted_at", "consent_granted_by"])


def _default(runner: Runner, *, company: Company, actor: Actor) -> bool:
    """Makes the first runner the company's default; a refusal of the set-up does not undo the rest."""
    if setup_of(company).default_runner_id is not None:
        return False
    try:
        setting_up.change_setup(company, {"default_runner": runner}, actor=actor)
    except JobQueueError:
        return False
    return True

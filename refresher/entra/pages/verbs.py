"""The actions on an Entra application that need no trip to the login server's pages."""

from typing import Any

from jobqueue.actors import Actor
from jobqueue.admin.verbs import Verb
from jobqueue.errors import Refused
from jobqueue.scheduler import database_now
from refresher.entra import applications, credentials
from refresher.entra.models import EntraApplication
from refresher.entra.pages.forms import CertificateForm, SecretForm


def _try(application: EntraApplication, actor: Actor, values: dict[str, Any]) -> str:
    return applications.try_sign_in(application, actor=actor, now=database_now())


def _enter_secret(application: EntraApplication, actor: Actor, values: dict[str, Any]) -> str:
    credentials.enter_secret(
        application, values["secret"], actor=actor, now=database_now(), expires_at=values["expires_at"]
    )
    return f"The client secret of “{application}” is stored. Try it with Test Sign-in."


def _enter_certificate(application: EntraApplication, actor: Actor, values: dict[str, Any]) -> str:
    credentials.enter_certificate(application, values["certificate"], actor=actor, now=database_now())
    return f"The certificate of “{application}” is stored. Upload it in Entra ID too, then try it with Test Sign-in."


def _switch(*, enabled: bool) -> Any:
    def act(application: EntraApplication, actor: Actor, values: dict[str, Any]) -> str:
        if application.is_enabled == enabled:
            raise Refused(f"“{application}” is {'enabled' if enabled else 'disabled'} already.")
        applications.set_enabled(application, enabled, actor=actor)
        return f"“{application}” is {'enabled' if enabled else 'disabled: its access tokens are refused'}."

    return act


def _remove(application: EntraApplication, actor: Actor, values: dict[str, Any]) -> str:
    name = str(application)
    applications.remove(application, actor=actor)
    return f"“{name}” was removed here. In Entra ID it still exists."


def _testable(application: EntraApplication) -> str:
    return "" if application.has_credential else "It has no credential yet."


VERBS = (
    Verb(
        name="test-sign-in",
        label="Test Sign-in",
        icon="login",
        level="administer",
        act=_try,
        confirmed=False,
        primary=True,
        offered=_testable,
        question=lambda row: f"Sign in as “{row}”?",
    ),
    Verb(
        name="enter-secret",
        label="Enter Secret…",
        icon="password",
        level="administer",
        act=_enter_secret,
        form=SecretForm,
        question=lambda row: f"Enter a client secret for “{row}”",
        explanation="It takes the place of the present credential, is stored encrypted and never shown again.",
    ),
    Verb(
        name="enter-certificate",
        label="Enter Certificate…",
        icon="verified_user",
        level="administer",
        act=_enter_certificate,
        form=CertificateForm,
        question=lambda row: f"Enter a certificate for “{row}”",
        explanation="It takes the place of the present credential; the private key is stored encrypted.",
    ),
    Verb(
        name="enable",
        label="Enable",
        icon="toggle_on",
        level="administer",
        act=_switch(enabled=True),
        offered=lambda row: "It is enabled already." if row.is_enabled else "",
        question=lambda row: f"Enable “{row}”?",
        explanation="Its access tokens are accepted again.",
    ),
    Verb(
        name="disable",
        label="Disable",
        icon="toggle_off",
        level="administer",
        act=_switch(enabled=False),
        danger=True,
        offered=lambda row: "" if row.is_enabled else "It is disabled already.",
        question=lambda row: f"Disable “{row}”?",
        explanation="Its access tokens are refused from now on. Its runner user stays, as does what is in Entra ID.",
    ),
    Verb(
        name="remove",
        label="Remove",
        icon="delete",
        level="administer",
        act=_remove,
        danger=True,
        leaves_page=True,
        question=lambda row: f"Remove “{row}”?",
        explanation="Its credential is forgotten and its access tokens are refused. The runner user stays; delete the "
        "application in Entra ID as well.",
    ),
)

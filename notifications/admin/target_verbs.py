"""The buttons of a target: try it out, send again what failed, replace its secret, delete it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from jobqueue.actors import Actor
from jobqueue.admin.inputs import MomentInput
from jobqueue.admin.verbs import Verb
from jobqueue.admin.words import counted
from jobqueue.secrets import CredentialUnusable
from notifications import verbs
from notifications.models import ChannelTarget, Message
from notifications.verbs.targets import secret_of


def _yesterday() -> Any:
    return timezone.now().replace(second=0, microsecond=0) - timedelta(days=1)


class SinceForm(forms.Form):
    since = forms.DateTimeField(widget=MomentInput, initial=_yesterday, help_text="In your time zone.")


def _unused(target: ChannelTarget, actor: Actor, values: dict[str, Any]) -> str:
    raise NotImplementedError("The page itself renews secrets: it has to show the new one.")


def _send_test(target: ChannelTarget, actor: Actor, values: dict[str, Any]) -> str:
    message = verbs.send_test_to(target, actor=actor)
    return f"Test message {message.pk} is queued. Its delivery shows here within seconds."


def _send_failed_again(target: ChannelTarget, actor: Actor, values: dict[str, Any]) -> str:
    queued = verbs.replay_failed(target, since=values["since"], actor=actor)
    return f"{counted(len(queued), 'message')} queued again." if queued else "Nothing failed since then."


def _drop_old(target: ChannelTarget, actor: Actor, values: dict[str, Any]) -> str:
    verbs.drop_old_secret(target, actor=actor)
    return f"Messages to “{target}” are signed with the new secret only."


def _delete(target: ChannelTarget, actor: Actor, values: dict[str, Any]) -> str:
    verbs.delete_target(target, actor=actor)
    return f"The target “{target}” was deleted."


def signs(target: ChannelTarget) -> str:
    if target.kind == ChannelTarget.Kind.WEBHOOK:
        return ""
    return f"{target.get_kind_display()} knows no signatures; its address is the secret."


def _enabled(target: ChannelTarget) -> str:
    return "" if target.is_enabled else "It is switched off: nothing is sent there. Tick Enabled first."


def _has_failed(target: ChannelTarget) -> str:
    return "" if failed_for_good(target).exists() else "Nothing that was sent to it failed for good."


def failed_for_good(target: ChannelTarget) -> QuerySet[Message]:
    """What was given up and not sent again since."""
    return Message.objects.filter(target=target, state=Message.State.FAILED, sent_again=None)


def _has_two(target: ChannelTarget) -> str:
    return signs(target) or ("" if secret_count(target) > 1 else "It signs with one secret only.")


def secret_count(target: ChannelTarget) -> int:
    """How many secrets messages are signed with; 0 also where the key to read them is gone."""
    try:
        return len(secret_of(target).split())
    except CredentialUnusable:
        return 0


VERBS = (
    Verb(
        name="send-test",
        label="Send Test Message",
        icon="send",
        level="administer",
        act=_send_test,
        offered=_enabled,
        confirmed=False,
        question=lambda row: f"Send a test message to “{row}”?",
        explanation="It says that it is a test.",
    ),
    Verb(
        name="send-failed-again",
        label="Send Failed Again…",
        icon="forward_to_inbox",
        level="operate",
        act=_send_failed_again,
        offered=_has_failed,
        form=SinceForm,
        question=lambda row: f"Send again what “{row}” did not get?",
        explanation="Each message that failed for good since the moment below goes out once more, the oldest first.",
    ),
    Verb(
        name="renew-secret",
        label="New Signing Secret",
        icon="key",
        level="administer",
        act=_unused,
        offered=signs,
        question=lambda row: f"Make a new signing secret for “{row}”?",
        explanation="It is shown once. Until you drop the old secret, messages carry a signature of each, so that the "
        "receiver can change over at any time.",
    ),
    Verb(
        name="drop-old-secret",
        label="Drop Old Secret",
        icon="key_off",
        level="administer",
        act=_drop_old,
        offered=_has_two,
        question=lambda row: f"Sign messages to “{row}” with the new secret only?",
        explanation="A receiver that still checks with the old secret will refuse them.",
    ),
    Verb(
        name="delete-target",
        label="Delete",
        icon="delete",
        level="administer",
        act=_delete,
        danger=True,
        leaves_page=True,
        question=lambda row: f"Delete the target “{row}”?",
        explanation="Messages on their way to it fail. What was sent stays in the mail log.",
    ),
)

"""States of messages and attempts as people see them: an icon, a word and a colour."""

from django.utils.safestring import SafeString

from jobqueue.admin import badges
from notifications import scenarios
from notifications.models import DeliveryAttempt, Message

State, Outcome = Message.State, DeliveryAttempt.Outcome

STATE_LOOKS = {
    State.QUEUED: ("clock", "ready"),
    State.SENDING: ("ring", "running"),
    State.SENT: ("tick", "done"),
    State.FAILED: ("square", "error"),
    State.HELD: ("pause", "held"),
}
OUTCOME_LOOKS = {
    Outcome.GOING: ("ring", "running"),
    Outcome.SENT: ("tick", "done"),
    Outcome.TEMPORARY: ("clock", "waiting"),
    Outcome.UNREACHABLE: ("clock", "waiting"),
    Outcome.PERMANENT: ("square", "error"),
    Outcome.LOST: ("link-off", "waiting"),
}
CHANNEL_ICONS = {
    Message.Channel.EMAIL: "mail",
    Message.Channel.WEBHOOK: "webhook",
    Message.Channel.TEAMS: "groups",
    Message.Channel.SLACK: "forum",
}


def title_of(message: Message) -> str:
    """The subject, or what it will be about while its words are not found yet."""
    return message.subject or f"{scenarios.caption(message.scenario)}: {message.facts.get('name', '–')}"


def state_badge(message: Message) -> SafeString:
    """The state of a message; one that failed before and waits for another attempt says so."""
    state = State(message.state)
    if state == State.QUEUED and message.attempts:
        return badges.badge("Trying again", look="waiting", drawing="hourglass")
    drawing, look = STATE_LOOKS[state]
    return badges.badge(str(state.label), look=look, drawing=drawing)


def outcome_badge(attempt: DeliveryAttempt) -> SafeString:
    """How one attempt ended."""
    outcome = Outcome(attempt.outcome)
    drawing, look = OUTCOME_LOOKS[outcome]
    return badges.badge(str(outcome.label), look=look, drawing=drawing)

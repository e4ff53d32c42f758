"""Names of the enumerations of notifications in the OpenAPI document (settings SPECTACULAR_SETTINGS)."""

from jobqueue.api.text_words import words_of
from notifications.models import ChannelTarget, DeliveryAttempt, Message

MESSAGE_STATE = words_of(Message.State)
MESSAGE_CHANNEL = words_of(Message.Channel)
TOLD_AS = words_of(Message.Reason)
TARGET_KIND = words_of(ChannelTarget.Kind)
DELIVERY_OUTCOME = words_of(DeliveryAttempt.Outcome)

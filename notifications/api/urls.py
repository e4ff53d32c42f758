"""Addresses of notifications below ``/api/v1/``."""

from django.urls import path

from jobqueue.api.urls import IN_COMPANY, rows
from notifications.api.lists import Default, EntryLists, Lines, Lists, Scenarios
from notifications.api.messages import Messages
from notifications.api.preference import MessagePreference
from notifications.api.targets import Deliveries, Targets, Webhooks

LISTS = f"{IN_COMPANY}notification-lists/"
MESSAGES = f"{IN_COMPANY}messages/"
WEBHOOKS = f"{IN_COMPANY}webhooks/"
WEBHOOK = f"{WEBHOOKS}<int:webhook>/"
OF_ENTRY = f"{IN_COMPANY}entries/<str:entry>/notification-lists/"
READ = {"get": "retrieve"}

urlpatterns = [
    path("me/message-preference/", MessagePreference.as_view(), name="message-preference"),
    *rows(LISTS, Lists, named="<int:list>", name="notification-lists"),
    path(
        f"{LISTS}<int:list>/send-test/", Lists.as_view({"post": "send_test"}), name="notification-list-test"
    ),
    *rows(f"{LISTS}<int:list>/lines/", Lines, named="<int:line>", name="notification-lines"),
    path(
        f"{IN_COMPANY}default-notification-list/",
        Default.as_view({"get": "retrieve", "put": "change"}),
        name="default-notification-list",
    ),
    path(OF_ENTRY, EntryLists.as_view({"get": "list", "post": "link"}), name="entry-notification-lists"),
    path(
        f"{OF_ENTRY}<int:list>/", EntryLists.as_view({"delete": "unlink"}), name="entry-notification-list-one"
    ),
    path(f"{IN_COMPANY}scenarios/", Scenarios.as_view(), name="scenarios"),
    *rows(MESSAGES, Messages, named="<int:message>", many={"get": "list"}, one=READ, name="messages"),
    path(
        f"{MESSAGES}<int:message>/send-again/",
        Messages.as_view({"post": "send_again"}),
        name="message-send-again",
    ),
    *rows(f"{IN_COMPANY}notification-targets/", Targets, named="<int:target>", name="notification-targets"),
    *rows(WEBHOOKS, Webhooks, named="<int:webhook>", name="webhooks"),
    *(
        path(f"{WEBHOOK}{verb}/", Webhooks.as_view({"post": verb.replace("-", "_")}), name=f"webhook-{verb}")
        for verb in ("renew-secret", "drop-old-secret", "send-test", "replay")
    ),
    path(f"{WEBHOOK}deliveries/", Deliveries.as_view({"get": "list"}), name="webhook-deliveries"),
]

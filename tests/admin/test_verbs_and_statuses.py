"""Given a status, when a verb is pressed, then the button, the verb and the ledger agree."""

import pytest
from django.contrib.messages import get_messages

from jobqueue.admin.entry_verbs import VERBS
from jobqueue.models import Entry
from jobqueue.states import CategoryPriority, Status
from tests import builders
from tests.admin.conftest import address, said

pytestmark = pytest.mark.django_db

ASKED = {"reason": "", "until": "", "parameter_string": ""}


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_button_is_enabled_exactly_where_its_verb_is_not_refused(signed_in, status, verb, monkeypatch):
    builders.make_category("BANK")
    other = CategoryPriority.LOW if verb.name == "set-priority-high" else CategoryPriority.HIGH
    entry = builders.make_recurring_entry(status=status, category_code="BANK", priority_within_category=other)
    client = signed_in()
    offered = verb.offered(Entry.objects.get(pk=entry.pk))
    # Without the courtesy of the button the verb itself has to say the same.
    monkeypatch.setattr(type(verb), "offered", property(lambda self: lambda row: ""), raising=False)
    response = client.post(address(f"jobqueue/entry/{entry.pk}/{verb.name}/"), ASKED)
    assert response.status_code == 302
    refused = any(message.level_tag == "error" for message in messages_of(response))
    if verb.name == "cancel-run":
        assert refused  # nothing runs behind these rows
    elif (verb.name, status) == ("set-ready", Status.READY):
        assert offered  # harmless, but the button says that Restart is meant
    else:
        assert refused == bool(offered), said(response)


def messages_of(response):
    return list(get_messages(response.wsgi_request))

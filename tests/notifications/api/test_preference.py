"""How one's own messages are written."""

import pytest

from notifications.models import RecipientPreference
from tests.api.refusing import refused

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/me/message-preference/"


def test_everybody_chooses_for_themselves(calling, company):
    client = calling("Viewer", scopes=["view"])
    assert client.get(ADDRESS).json() == {"language": "", "time_zone": ""}
    assert client.patch(ADDRESS, {"language": "nl"}).json() == {"language": "nl", "time_zone": ""}
    kept = client.patch(ADDRESS, {"time_zone": "Europe/Oslo"}).json()
    assert kept == {"language": "nl", "time_zone": "Europe/Oslo"}
    assert RecipientPreference.objects.get().user == client.user


@pytest.mark.parametrize("body", [{"language": "xx"}, {"time_zone": "Mars"}, {"user": "anna"}])
def test_what_is_no_preference(calling, company, body):
    refused(calling("Viewer", scopes=["view"]).patch(ADDRESS, body), 400, "invalid")
    assert not RecipientPreference.objects.exists()

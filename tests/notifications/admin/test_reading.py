"""*My messages*: everybody chooses language and time zone of their own."""

import pytest

from notifications.models import RecipientPreference
from tests import builders
from tests.admin.conftest import LEVELS, address

pytestmark = pytest.mark.django_db
MINE = "notifications/recipientpreference/"


@pytest.mark.parametrize("group", LEVELS)
def test_everybody_sets_how_they_read(signed_in, group):
    client = signed_in(group)
    assert client.user.email in client.get(address(MINE)).content.decode()
    client.post(address(MINE), {"language": "nl", "time_zone": "Europe/Amsterdam"})
    found = RecipientPreference.objects.get()
    assert (found.user, found.language, found.time_zone) == (client.user, "nl", "Europe/Amsterdam")
    client.post(address(MINE), {"language": "", "time_zone": ""})
    found.refresh_from_db()
    assert (found.language, found.time_zone) == ("", "")


def test_unknown_languages_and_zones_are_refused(signed_in):
    client = signed_in()
    assert client.post(address(MINE), {"language": "tlh", "time_zone": "Mars"}).status_code == 422
    assert not RecipientPreference.objects.exists()


def test_it_needs_a_level_and_is_only_ones_own(signed_in):
    assert signed_in(user=builders.make_user()).get(address(MINE)).status_code == 403
    other = builders.make_user()
    RecipientPreference.objects.create(user=other, language="de")
    client = signed_in()
    client.post(address(MINE), {"language": "nl", "time_zone": "", "user": other.pk})
    assert RecipientPreference.objects.get(user=other).language == "de"

import pytest

from config.client_address import client_address


@pytest.mark.parametrize(
    ("trusted", "header", "expected"),
    [
        (False, "203.0.113.9", "192.0.2.1"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        (True, "", "192.0.2.1"),
    ],
)
def test_only_a_trusted_proxy_may_say_who_the_client_is(rf, settings, trusted, header, expected):
    settings.TRUST_PROXY_HEADERS = trusted
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=header)
    assert client_address(request) == expected

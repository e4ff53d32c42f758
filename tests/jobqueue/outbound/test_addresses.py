"""Which addresses jobs may call."""

from ipaddress import ip_address

import pytest

from jobqueue.outbound.addresses import address_refusal, allowed_network, is_allowed_host


@pytest.mark.parametrize("text", ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::8.8.8.8"])
def test_public_addresses_may_be_called(text):
    assert address_refusal(ip_address(text)) == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("fd00::1", "private"),
        ("fec0::1", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("100.64.0.1", "reserved"),
        ("255.255.255.255", "private"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a00:1", "private"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a00:1::", "private"),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", "private"),
    ],
)
def test_other_addresses_may_not_also_not_inside_ipv6(text, word):
    assert address_refusal(ip_address(text)) == word


@pytest.mark.parametrize(
    ("allowed", "host", "port", "address", "answer"),
    [
        (["intranet"], "intranet", 80, "10.0.0.1", True),
        (["Intranet."], "INTRANET", 80, "10.0.0.1", True),
        (["intranet:8080"], "intranet", 8080, "10.0.0.1", True),
        (["intranet:8080"], "intranet", 80, "10.0.0.1", False),
        (["intranet"], "evil.intranet", 80, "10.0.0.1", False),
        (["intranet"], "intranet.evil", 80, "10.0.0.1", False),
        (["10.0.0.0/8"], "anything", 80, "10.1.2.3", True),
        (["10.0.0.0/8"], "anything", 80, "11.1.2.3", False),
        (["10.0.0.0/8"], "anything", 80, "::ffff:10.1.2.3", True),
        (["127.0.0.1"], "localhost", 80, "127.0.0.1", True),
        (["127.0.0.1:8000"], "127.0.0.1", 8000, "127.0.0.1", True),
        (["::1"], "localhost", 80, "::1", True),
        (["[::1]:8000"], "[::1]", 8000, "::1", True),
        ([], "intranet", 80, "10.0.0.1", False),
    ],
)
def test_the_allow_list_takes_names_ports_and_networks(allowed, host, port, address, answer):
    assert is_allowed_host(host, port, ip_address(address), allowed=allowed) is answer


def test_a_name_is_no_network_and_a_wrong_network_is_an_error():
    assert allowed_network("intranet") is None
    assert str(allowed_network("10.1.2.3")) == "10.1.2.3/32"
    with pytest.raises(ValueError, match=r"99"):
        allowed_network("10.0.0.0/99")

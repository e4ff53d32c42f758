"""Calling other hosts: a real web server on this machine stands for both an allowed and a forbidden one."""

import socket

import httpx
import pytest

from jobqueue.outbound import Call, GuardedTransport, OutboundFailed, OutboundRefused, send
from tests.jobqueue.web import self_signed, web_server


@pytest.fixture
def allow(settings):
    def change(*hosts):
        settings.JOBQUEUE = {**settings.JOBQUEUE, "OUTBOUND_ALLOWED_HOSTS": list(hosts)}

    change()
    return change


@pytest.fixture
def web():
    with web_server() as server:
        yield server


def get(address, **more):
    return send(Call("GET", address, **more))


def test_a_local_address_is_refused_before_anything_is_sent(web, allow):
    for address in (
        web.url(),
        web.url(host="localhost"),
        web.url(host="[::ffff:127.0.0.1]"),
        web.url(host="0x7f000001"),
        web.url(host="2130706433"),
        web.url(host="127.1"),
    ):
        with pytest.raises(OutboundRefused, match=r"which jobs may not call. An administrator can allow it"):
            get(address)
    assert web.requests == []


def test_an_allowed_host_is_called(web, allow):
    allow(f"127.0.0.1:{web.port}")
    answer = get(web.url("/x?y=1"), headers={"X-Note": "hi"})
    assert (answer.status, answer.text) == (200, "Hello Ærø")
    [seen] = web.requests
    assert (seen.method, seen.path, seen.headers["X-Note"]) == ("GET", "/x?y=1", "hi")
    assert seen.headers["User-Agent"] == "Jobwarden"


def test_an_allowed_network_is_called_whatever_the_name(web, allow):
    allow("127.0.0.0/8")
    assert get(web.url(host="localhost")).status == 200


def test_a_public_looking_name_that_leads_inside_is_refused(web, allow, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", web.port))]
    monkeypatch.setattr("jobqueue.outbound.transport.socket.getaddrinfo", lambda *_args, **_named: found)
    with pytest.raises(OutboundRefused, match=r"“www.example.com” leads to the loopback address 127.0.0.1"):
        get(web.url(host="www.example.com"))
    assert web.requests == []


def test_one_inside_address_among_public_ones_is_enough_to_refuse(web, allow, monkeypatch):
    found = [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr("jobqueue.outbound.transport.socket.getaddrinfo", lambda *_args, **_named: found)
    with pytest.raises(OutboundRefused, match=r"private address 10.0.0.1"):
        get("http://mixed.example.com/")


def test_the_connection_goes_to_the_checked_address_with_one_look_up(web, allow, monkeypatch):
    asked = []

    def resolve(host, port, *_args, **_named):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    real_connect = socket.create_connection
    connected = []
    monkeypatch.setattr("jobqueue.outbound.transport.socket.getaddrinfo", resolve)
    monkeypatch.setattr(
        socket,
        "create_connection",
        lambda place, *a, **n: connected.append(place) or real_connect(place, *a, **n),
    )
    allow("shop.example")
    assert get(web.url(host="shop.example")).status == 200
    assert web.requests[0].headers["Host"] == f"shop.example:{web.port}"
    assert asked.count("shop.example") == 1
    assert connected == [("127.0.0.1", web.port)]


def test_a_redirect_is_followed_to_an_allowed_place_only(web, allow):
    allow(f"127.0.0.1:{web.port}")
    assert get(web.url("/redirect//status/204")).status == 204
    for target in (f"http://localhost:{web.port}/", "http://169.254.169.254/latest/", "http://10.0.0.1/"):
        with pytest.raises(OutboundRefused, match=r"jobs may not call"):
            get(web.url(f"/redirect/{target}"))
    with pytest.raises((OutboundRefused, OutboundFailed)):
        get(web.url("/redirect/file:///etc/passwd"))


def test_redirects_may_be_left_alone(web, allow):
    allow("127.0.0.1")
    answer = get(web.url("/redirect//elsewhere"), follow_redirects=False)
    assert (answer.status, answer.headers["location"]) == (302, "/elsewhere")


def test_endless_redirects_end(web, allow):
    allow("127.0.0.1")
    web_loop = web.url(f"/redirect/{'/redirect/' * 8}x")
    with pytest.raises(OutboundFailed, match=r"redirects more than 5 times"):
        get(web_loop)


def test_secret_headers_stay_with_the_first_origin(web, allow):
    allow("127.0.0.1")
    with web_server() as other:
        answer = get(web.url(f"/redirect/{other.url('/echo')}"), secret_headers={"X-Api-Key": "s3cret"})
    assert "s3cret" not in answer.text
    assert web.requests[0].headers["X-Api-Key"] == "s3cret"
    assert get(web.url("/redirect//echo"), secret_headers={"X-Api-Key": "s3cret"}).text.count("s3cret") == 1


def test_a_large_answer_and_a_slow_one_are_given_up(web, allow):
    allow("127.0.0.1")
    with pytest.raises(OutboundFailed, match=r"larger than 1,000 bytes"):
        get(web.url("/big/1001"), max_response_bytes=1000)
    assert len(get(web.url("/big/1000"), max_response_bytes=1000).body) == 1000
    with pytest.raises(OutboundFailed, match=r"did not finish its answer in time"):
        get(web.url("/slow"), timeout_seconds=0.5)


def test_proxies_of_the_environment_are_not_used(web, allow, monkeypatch):
    allow("127.0.0.1")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    assert get(web.url()).status == 200


def test_a_certificate_nobody_trusts_is_refused(allow, tmp_path):
    allow("localhost", "127.0.0.1")
    with web_server(certificate=self_signed(tmp_path)) as server:
        with pytest.raises(OutboundFailed, match=r"CERTIFICATE_VERIFY_FAILED"):
            get(server.url(host="localhost", scheme="https"))
        assert server.requests == []


def test_the_name_is_verified_although_the_connection_goes_to_an_address(allow, tmp_path, monkeypatch):
    allow("localhost")
    file = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with web_server(certificate=file) as server:
        assert get(server.url(host="localhost", scheme="https")).status == 200


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://example.com/", "does not begin with http:// or https:// and a host"),
        ("file:///etc/passwd", "does not begin with http:// or https://"),
        ("example.com", "does not begin with http:// or https://"),
        ("http://", "does not begin with http:// or https://"),
        ("http://user:pass@example.com/", "must not contain a user name or password. Use a credential"),
        ("http://example.com:99999/", "ports go from 1 to 65535"),
        ("http://[::1/", "is not an address that can be called"),
    ],
)
def test_what_is_no_web_address_is_refused_in_words(address, words):
    with pytest.raises(OutboundRefused, match=words):
        get(address)


def test_an_unknown_name_and_a_closed_port_fail_in_words(allow):
    with pytest.raises(OutboundFailed, match=r"The name “nothing.invalid” cannot be resolved"):
        get("http://nothing.invalid/")
    allow("127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(OutboundFailed, match=f"GET http://127.0.0.1:{port}/ failed: "):
        get(f"http://127.0.0.1:{port}/")


def test_other_clients_may_use_the_transport(web, allow):
    with httpx.Client(transport=GuardedTransport()) as client, pytest.raises(OutboundRefused):
        client.get(web.url())
    allow("127.0.0.1")
    with httpx.Client(transport=GuardedTransport()) as client:
        assert client.post(web.url(), content=b"x").status_code == 200

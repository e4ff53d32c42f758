"""Which addresses may be called: arithmetic on addresses and the allow-list, without any network."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_TRANSLATED = [ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48")]


def address_refusal(address: Address) -> str:
    """Why an address is not a public one, as a word; empty if it is."""
    inner = _inner(address)
    if inner is not None:
        return address_refusal(inner)
    for word, applies in (
        ("loopback", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("unspecified", address.is_unspecified),
        ("private", address.is_private or getattr(address, "is_site_local", False)),
        ("reserved", address.is_reserved or not address.is_global),
    ):
        if applies:
            return word
    return ""


def is_allowed_host(host: str, port: int, address: Address | None, *, allowed: Iterable[str]) -> bool:
    """Whether the allow-list names the host, host and port, or a network that holds the address."""
    name = host.strip("[]").rstrip(".").lower()
    for item in allowed:
        network = allowed_network(item)
        if network is not None:
            if address is not None and (_inner(address) or address) in network:
                return True
        elif item.lower().rstrip(".") in (name, f"{name}:{port}", f"[{name}]:{port}"):
            return True
    return False


def allowed_network(item: str) -> Network | None:
    """The network an allow-list item writes (one address counts); None if it is a name. Raises ``ValueError``."""
    if "/" in item:
        return ipaddress.ip_network(item, strict=False)
    try:
        return ipaddress.ip_network(item.strip("[]"))
    except ValueError:
        return None


def _inner(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address an IPv6 address stands for, if it does: mapped, 6to4, Teredo or translated."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None

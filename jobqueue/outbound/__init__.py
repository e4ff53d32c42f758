"""Requests to other hosts, made safe: the outbound rule for job objects, webhooks and connectors.

Names are resolved here and every address found is checked: private, loopback, link-local, multicast and reserved
targets are refused, also inside IPv4-mapped and translated IPv6 addresses, unless ``OUTBOUND_ALLOWED_HOSTS`` lists the
host (``name``, ``name:port``, an address or a network such as ``10.1.0.0/16``). The connection goes to the checked
address, so a name cannot change its mind in between. Redirects pass the same check. Proxies of the process environment
are not used; certificates are verified.
"""

from jobqueue.outbound.addresses import allowed_network
from jobqueue.outbound.calls import Answer, Call, send, target_of
from jobqueue.outbound.errors import OutboundFailed, OutboundRefused
from jobqueue.outbound.transport import GuardedTransport

__all__ = [
    "Answer",
    "Call",
    "GuardedTransport",
    "OutboundFailed",
    "OutboundRefused",
    "allowed_network",
    "send",
    "target_of",
]

"""Who is counted: a proven user under his own id, anybody else under the address that he comes from."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

IN_PROCESS = "in-process"
"""The party of calls without a source address."""

_IPV6_NETWORK_BITS = 64


@lru_cache(8_192)
def address_party(source_ip: str | None) -> str:
    """The address itself, for IPv6 its /64: a single host can have every address of that network."""
    if not source_ip:
        return IN_PROCESS
    try:
        address = ipaddress.ip_address(source_ip.partition("%")[0])
    except ValueError:
        return source_ip[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_NETWORK_BITS), strict=False))

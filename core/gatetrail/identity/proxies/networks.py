"""Where a proxy's connections may come from."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def address_of(peer: str | None) -> Address | None:
    """The address of a connection's other end; None for what has none, such as a socket in a folder."""
    if peer is None:
        return None
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks; what is none is nobody's address."""
    return tuple(found for text in texts if (found := network_of(text)) is not None)


def network_of(text: str) -> Network | None:
    """`10.0.0.0/8`, or one address; None for anything else."""
    try:
        return ip_network(text)
    except ValueError:
        return None

"""By which names the service may be asked for: what keeps a web page from reaching it through a rebound DNS name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp.server.transport_security import TransportSecuritySettings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_wildcard(host: str) -> bool:
    """Whether an address stands for all of the machine's."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def in_url(host: str) -> str:
    """A host as it stands in a URL: an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def allowed_names(listening_on: str, further: Sequence[str] = ()) -> tuple[str, ...]:
    """Loopback names, the address that is listened on, and whatever else was named."""
    own = () if is_wildcard(listening_on) else (in_url(listening_on),)
    return tuple(dict.fromkeys((*LOOPBACK, *own, *map(in_url, further))))


def transport_security(names: Iterable[str]) -> TransportSecuritySettings:
    """Accept these names in Host and Origin, with any port and with none."""
    from mcp.server.transport_security import TransportSecuritySettings

    hosts = [form for name in names for form in (name, f"{name}:*")]
    origins = [f"{scheme}://{form}" for scheme in ("http", "https") for form in hosts]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)

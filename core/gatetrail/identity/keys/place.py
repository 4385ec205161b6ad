"""Where the public keys of an issuer are."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit


class KeyPlace(Protocol):
    """A JWKS (RFC 7517) in a file or behind a URL; `keys` of an issuer in the policy file fits. Hashable."""

    @property
    def file(self) -> str | None: ...
    @property
    def url(self) -> str | None: ...
    @property
    def ca_file(self) -> str | None: ...
    @property
    def max_stale_s(self) -> int: ...


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How much an issuer may cost us, and how soon a change of its keys counts."""

    fetch_s: float = 3.0
    """For one whole answer, from the name's resolution to the last byte."""
    max_bytes: int = 256 * 1024
    max_keys: int = 100
    cool_down_s: float = 10.0
    """Between two refreshes on account of keys that we do not know: whoever invents them cannot use us as a hammer."""
    least_age_s: float = 60.0
    most_age_s: float = 3600.0
    """Bounds for what an issuer says of how long its set stays fresh."""
    usual_age_s: float = 300.0
    """For an issuer that says nothing."""
    look_s: float = 1.0
    """Between two looks at a file, and at what is due."""
    retry_s: float = 10.0
    """After the first failure; doubles from failure to failure up to `usual_age_s`."""


def name_of(place: KeyPlace) -> str:
    """For messages."""
    return place.url or place.file or "(no place)"


def wrong_with_url(url: str) -> str | None:
    """What keeps a URL from being a place for keys; None when nothing does."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme not in {"http", "https"} or not host:
        return "expected https://HOST/PATH"
    if "@" in parts.netloc or parts.fragment:
        return "may hold neither credentials nor a fragment (#)"
    if parts.scheme == "http" and not is_loopback(host):
        return "expected https: whoever can change the answer on its way could sign tokens"
    return None


def is_loopback(host: str) -> bool:
    """Whether only this machine can be meant."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

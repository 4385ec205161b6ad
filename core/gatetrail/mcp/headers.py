"""The few headers that the door looks at, read in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gatetrail.identity.proxies.vouching import SPELLINGS

Raw = Iterable[tuple[bytes, bytes]]

SEEN_KEY = "gatetrail.headers"
"""Where the identity layer leaves what it read in the ASGI scope."""

_READ = frozenset(
    {
        b"authorization",
        b"content-type",
        b"mcp-protocol-version",
        b"mcp-session-id",
        b"traceparent",
        b"user-agent",
    }
)
_WANTED = SPELLINGS | _READ


class Seen(NamedTuple):
    """What a request's headers say; None for one that it does not have."""

    authorization: str | None
    content_type: str | None
    protocol_version: str | None
    session_id: str | None
    traceparent: str | None
    user_agent: str | None
    vouching: tuple[tuple[bytes, bytes], ...] = ()
    """The identity headers that only a trusted proxy may send, each as often as it came."""

    @property
    def vouching_names(self) -> list[str]:
        """Names of the identity headers."""
        return sorted({name.decode() for name, _ in self.vouching})


def read(headers: Raw) -> Seen:
    """A header that comes several times counts as one list (RFC 9110, section 5.3), so two tokens are no token."""
    found: dict[bytes, str] = {}
    vouching: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        if name not in _WANTED:
            continue
        if name in _READ:
            text = value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
        else:
            vouching.append((name, value))
    get = found.get
    return Seen(
        get(b"authorization"),
        get(b"content-type"),
        get(b"mcp-protocol-version"),
        get(b"mcp-session-id"),
        get(b"traceparent"),
        get(b"user-agent"),
        tuple(vouching),
    )


def seen_in(scope: Mapping[str, Any]) -> Seen:
    """What the identity layer has read, else read now."""
    seen: object = scope.get(SEEN_KEY)
    return seen if isinstance(seen, Seen) else read(scope["headers"])


def without_vouching(headers: Raw) -> list[tuple[bytes, bytes]]:
    """The headers without those that only a trusted proxy may send, so that nobody further in takes them for true."""
    return [(name, value) for name, value in headers if name not in SPELLINGS]

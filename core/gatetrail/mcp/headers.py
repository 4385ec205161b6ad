"""The few headers that the door looks at, read in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Raw = Iterable[tuple[bytes, bytes]]

SEEN_KEY = "gatetrail.headers"
"""Where the identity layer leaves what it read in the ASGI scope."""

PROXY_HEADERS = frozenset({b"x-proxy-verified", b"x-user-id", b"x-user-permissions"})
"""By these a trusted proxy would vouch for a user. Nobody is trusted to, so from anybody they are forged."""

_WANTED = PROXY_HEADERS | {
    b"authorization",
    b"content-type",
    b"mcp-protocol-version",
    b"mcp-session-id",
    b"traceparent",
    b"user-agent",
}


class Seen(NamedTuple):
    """What a request's headers say; None for one that it does not have."""

    authorization: str | None
    content_type: str | None
    protocol_version: str | None
    session_id: str | None
    traceparent: str | None
    user_agent: str | None
    forged: tuple[str, ...]
    """Names of identity headers that only a trusted proxy may send."""


def read(headers: Raw) -> Seen:
    """A header that comes several times counts as one list (RFC 9110, section 5.3), so two tokens are no token."""
    found: dict[bytes, str] = {}
    for name, value in headers:
        if name in _WANTED:
            text = value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
    get = found.get
    return Seen(
        get(b"authorization"),
        get(b"content-type"),
        get(b"mcp-protocol-version"),
        get(b"mcp-session-id"),
        get(b"traceparent"),
        get(b"user-agent"),
        ()
        if PROXY_HEADERS.isdisjoint(found)
        else tuple(sorted(name.decode() for name in PROXY_HEADERS & found.keys())),
    )


def seen_in(scope: Mapping[str, Any]) -> Seen:
    """What the identity layer has read, else read now."""
    seen: object = scope.get(SEEN_KEY)
    return seen if isinstance(seen, Seen) else read(scope["headers"])


def without_forged(headers: Raw) -> list[tuple[bytes, bytes]]:
    """The headers without those that only a trusted proxy may send."""
    return [(name, value) for name, value in headers if name not in PROXY_HEADERS]

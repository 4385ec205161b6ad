"""What a trusted proxy signs when it vouches for a user: the headers, and the text that the signature is made of."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from gatetrail.errors import WrongUse

VERSION = "gatetrail-proxy-v1"

PROXY = "x-proxy-verified"
USER = "x-user-id"
PERMISSIONS = "x-user-permissions"
AUDIENCE = "x-user-audience"
TIER = "x-user-tier"
ROLES = "x-user-roles"
DEPARTMENT = "x-user-department"
CLIENT = "x-user-client"
SESSION = "x-user-session"
CONTEXT = "x-user-context"
TIMESTAMP = "x-proxy-timestamp"
NONCE = "x-proxy-nonce"
SIGNATURE = "x-proxy-signature"

SIGNED_HEADERS = (
    PROXY,
    USER,
    PERMISSIONS,
    AUDIENCE,
    TIER,
    ROLES,
    DEPARTMENT,
    CLIENT,
    SESSION,
    CONTEXT,
    TIMESTAMP,
    NONCE,
)
"""In the order in which they are signed."""

IDENTITY_HEADERS = (*SIGNED_HEADERS, SIGNATURE)
REQUIRED_HEADERS = (PROXY, USER, AUDIENCE, TIMESTAMP, NONCE, SIGNATURE)

MIN_KEY_BYTES = 32
MAX_VALUE_BYTES = 4_096
"""Of one header."""

_SHAPES = {
    TIMESTAMP: (re.compile(r"[0-9]{1,11}"), "whole seconds since 1970"),
    NONCE: (re.compile(r"[A-Za-z0-9_-]{16,64}"), "16 to 64 letters, digits, dashes and underscores"),
    SIGNATURE: (re.compile(r"[0-9a-f]{64}"), "64 lower-case hexadecimal digits"),
}


def signed_headers(  # noqa: PLR0913 -- one keyword for each header
    key: bytes,
    *,
    proxy: str,
    method: str,
    target: str,
    user: str,
    timestamp_s: int,
    nonce: str,
    audience: str = "gatetrail",
    permissions: Iterable[str] = (),
    tier: str | None = None,
    roles: Iterable[str] = (),
    department: str | None = None,
    client: str | None = None,
    session: str | None = None,
    context: str | None = None,
) -> dict[str, str]:
    """The headers by which a proxy vouches for a user in one request; each set is good once.

    `target` is what goes on the request line: the path and the query just as they are sent. `timestamp_s` is now, in
    seconds since 1970, and `nonce` is never used again: `secrets.token_urlsafe(16)`. Raises `WrongUse` for a short key
    and for values that no such header may have.
    """
    if len(key) < MIN_KEY_BYTES:
        raise WrongUse(f"the proxy's key has {len(key)} bytes; expected at least {MIN_KEY_BYTES} random ones")
    given = {
        PROXY: proxy,
        USER: user,
        PERMISSIONS: _list(PERMISSIONS, permissions),
        AUDIENCE: audience,
        TIER: tier,
        ROLES: _list(ROLES, roles),
        DEPARTMENT: department,
        CLIENT: client,
        SESSION: session,
        CONTEXT: context,
        TIMESTAMP: str(timestamp_s),
        NONCE: nonce,
    }
    values = {name: value for name, value in given.items() if value is not None}
    for name, value in values.items():
        if wrong := wrong_with(name, value):
            raise WrongUse(f"{name}: {wrong}")
    signature = signature_of(key, canonical(method, target.encode(), values))
    return {**values, SIGNATURE: signature}


def canonical(method: str, target: bytes, values: Mapping[str, str]) -> bytes:
    """What is signed: the version, then `NAME:LENGTH:VALUE` and a line feed for each part, headers in their order.

    Lengths are bytes of UTF-8, so no value can pass for two. Of the target, a `?` with nothing behind it is left out.
    """
    path, _, query = target.partition(b"?")
    parts = [
        ("method", method.encode()),
        ("target", path + b"?" + query if query else path),
        *((name, values[name].encode()) for name in SIGNED_HEADERS if name in values),
    ]
    lines = (b"%b:%d:%b\n" % (name.encode(), len(value), value) for name, value in parts)
    return VERSION.encode() + b"\n" + b"".join(lines)


def signature_of(key: bytes, text: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) as lower-case hexadecimal digits."""
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def wrong_with(name: str, value: str) -> str | None:
    """What no header of that name may be, and what is expected instead; never the value itself."""
    if not value:
        return "is empty; leave it out instead"
    if len(value.encode("utf-8", "replace")) > MAX_VALUE_BYTES:
        return f"is longer than {MAX_VALUE_BYTES} bytes"
    if value != value.strip() or not value.isprintable():
        return "has blanks at an end, or characters that cannot be seen"
    shape, expected = _SHAPES.get(name, (None, ""))
    return f"expected {expected}" if shape is not None and not shape.fullmatch(value) else None


def _list(name: str, words: Iterable[str]) -> str | None:
    found = [*words]
    if any(not word or word.split() != [word] for word in found):
        raise WrongUse(f"{name}: blanks separate its words, so none may have one in it")
    return " ".join(found) or None

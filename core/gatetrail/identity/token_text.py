"""A bearer token's text taken apart. Nothing in it is proven yet."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatetrail.identity.caller import IdentityRefusal, Refused
from gatetrail.identity.strict_json import strict_object

MAX_TOKEN_CHARACTERS = 16_384
MAX_HEADER_CHARACTERS = 2_048

KEY_HEADERS = ("jku", "jwk", "x5u", "x5c")
"""By these a token brings its own key along, or says where to fetch it. Only the policy says which keys count."""

_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt", "application/jwt"})
"""RFC 8725, section 3.11: a proof, an id of a login or a security event must not pass for an access token."""


@dataclass(frozen=True, slots=True)
class TokenText:
    """The parts of a signed JWT in compact form (RFC 7515, section 7.1)."""

    algorithm: str
    key_id: str | None
    payload: Mapping[str, Any]
    signed: bytes
    """What the signature is over."""
    signature: bytes

    @property
    def claimed_user(self) -> str | None:
        """Whom the token names, for the event about it. Proves nothing."""
        return text_or_none(self.payload.get("sub"))


def read_token(token: str) -> TokenText | Refused:
    """The parts of a token. Never raises, never repeats the token."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        return malformed(f"the token has {len(token):,} characters; expected at most {MAX_TOKEN_CHARACTERS:,}")
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return malformed("the token is not a JWT; expected three parts of base64url, joined by dots")
    if len(parts[1]) > MAX_HEADER_CHARACTERS:
        return malformed(f"the token's header is too long; expected at most {MAX_HEADER_CHARACTERS:,} characters")
    try:
        header = strict_object(_decoded(parts[1]))
        payload = strict_object(_decoded(parts[2]))
        signature = _decoded(parts[3])
    except ValueError as problem:
        return malformed(f"the token is not a JWT of which we can be sure: a part of it {problem}")
    if reason := _wrong_with(header):
        return Refused(IdentityRefusal.TOKEN_MALFORMED, reason, text_or_none(payload.get("sub")))
    signed = token[: parts.end(2)].encode("ascii")
    return TokenText(str(header.get("alg")), header.get("kid"), payload, signed, signature)


def malformed(reason: str) -> Refused:
    """Of something of which nothing is known."""
    return Refused(IdentityRefusal.TOKEN_MALFORMED, reason)


def text_or_none(value: object) -> str | None:
    """A text that can be stored, whole: cut, a secret in it might not be known for one."""
    return value if isinstance(value, str) and value and not _has_half_characters(value) else None


def _wrong_with(header: Mapping[str, Any]) -> str | None:
    for name in KEY_HEADERS:
        if name in header:
            return f"the token's header names a key of its own ({name}); keys come from the policy alone"
    if "crit" in header or "b64" in header:
        # RFC 7515, section 4.1.11: whoever does not know a critical extension must refuse. We know none.
        return "the token's header asks for an extension (crit); we know none"
    if not isinstance(header.get("kid", ""), str):
        return "the token's header names its key (kid) not by a text"
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        return "the token's header says that it is no access token (typ); expected JWT or at+jwt"
    return None


def _decoded(part: str) -> bytes:
    """RFC 7515, section 2: base64url without padding, in the one form that encoding gives."""
    content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(content).rstrip(b"=") != part.encode("ascii"):
        raise ValueError("is not base64url in its one right form")
    return content


def _has_half_characters(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)

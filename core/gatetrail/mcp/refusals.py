"""Answers over HTTP to requests that never reach the MCP server."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from http import HTTPStatus

import orjson
from mcp_types import INTERNAL_ERROR, INVALID_REQUEST
from starlette.types import Send

from gatetrail.identity.caller import IdentityRefusal, Refused

UNAUTHORIZED = 40101
"""JSON-RPC code in the body of a 401."""

FORBIDDEN = 40300
TOO_MANY = 42900

NOTHING_PRESENTED = frozenset({IdentityRefusal.TOKEN_MISSING, IdentityRefusal.SCHEME_UNSUPPORTED})
"""RFC 6750, section 3.1: whoever does not know that a bearer token is wanted is told no error."""

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749, section 3.3."""

_QUOTED_TEXT = {ord('"'): "'", ord("\\"): "/"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A whole HTTP answer."""

    status: int
    body: bytes
    code: str
    """One word for programs."""
    detail: str
    """A sentence for people."""
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def as_problem(self) -> Refusal:
        """The same for a client that is none of MCP (RFC 9457)."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        kept = (*self.headers, (b"cache-control", b"no-store"))
        return replace(self, body=orjson.dumps(body), content_type=b"application/problem+json", headers=kept)

    async def send(self, send: Send) -> None:
        """Answer with it."""
        length = str(len(self.body)).encode()
        own = [(b"content-type", self.content_type), (b"content-length", length)]
        await send({"type": "http.response.start", "status": self.status, "headers": [*own, *self.headers]})
        await send({"type": "http.response.body", "body": self.body})


def unauthorized(refused: Refused, metadata_url: str | None = None, scopes: Collection[str] = ()) -> Refusal:
    """401 with the challenge of RFC 6750, section 3, and RFC 9728, section 5.1.

    `error` is left out when nothing was presented. `scopes` are what is needed for anything here.
    """
    parts = ['realm="gatetrail"']
    if metadata_url is not None:
        parts.append(f'resource_metadata="{_quotable(metadata_url)}"')
    if named := [scope for scope in sorted(scopes) if _SCOPE.fullmatch(scope)]:
        parts.append(f'scope="{" ".join(named)}"')
    if refused.reason_code not in NOTHING_PRESENTED:
        parts.append(f'error="invalid_token", error_description="{_quotable(refused.reason)}"')
    headers = ((b"www-authenticate", f"Bearer {', '.join(parts)}".encode("ascii")),)
    body = _json_rpc(UNAUTHORIZED, refused.reason)
    return Refusal(401, body, refused.reason_code.value, refused.reason, headers=headers)


def proxy_refused() -> Refusal:
    """401 without a challenge, which would be for tokens: what is wrong stands in the event, and nowhere else."""
    return _told(401, UNAUTHORIZED, "proxy_refused", "the identity that the proxy vouches for was not accepted")


def proxy_not_checked() -> Refusal:
    """503: nobody can tell now whether a proxy's signature was used before."""
    sentence = "the identity that the proxy vouches for cannot be checked now; try again later"
    return _told(503, INTERNAL_ERROR, "proxy_nonces_away", sentence)


def session_not_found() -> Refusal:
    """What the SDK itself answers for a session that does not exist; the same for one of another user."""
    return _told(404, INVALID_REQUEST, "session_not_found", "Session not found")


def session_of_own(refused: Refused) -> Refusal:
    """The same 404, on which clients open a new session, with the reason: the session is the caller's, and no use."""
    return _told(404, INVALID_REQUEST, refused.reason_code.value, f"Session not found: {refused.reason}")


def several_sessions() -> Refusal:
    """400: which of them counts would be anybody's guess."""
    return _told(400, INVALID_REQUEST, "several_sessions", "Mcp-Session-Id may stand in a request once")


def session_of_another_user(refused: Refused) -> Refusal:
    """403: the session that the token names was opened by somebody else."""
    return _told(403, FORBIDDEN, refused.reason_code.value, refused.reason)


def session_not_recorded() -> Refusal:
    """503: the session could not be made durable, so it does not begin."""
    sentence = "the session could not be recorded; try again later"
    return _told(503, INTERNAL_ERROR, "audit_unavailable", sentence)


def session_not_reached() -> Refusal:
    """503: nobody can tell now whose the session is."""
    sentence = "the session could not be looked up; try again later"
    return _told(503, INTERNAL_ERROR, "audit_unavailable", sentence)


def not_found() -> Refusal:
    """A probe's 404, as plain as any."""
    return Refusal(404, b"Not Found", "not_found", "Not Found", b"text/plain; charset=utf-8")


def forbidden() -> Refusal:
    """A scanner's 403."""
    return Refusal(403, b"Forbidden", "forbidden", "Forbidden", b"text/plain; charset=utf-8")


def too_many() -> Refusal:
    """429 for a source of more refused requests than anybody sends by mistake."""
    return _told(429, TOO_MANY, "burst", "too many refused requests")


def locked_out(wait_ms: int) -> Refusal:
    """429 for who has sent too many probes. Says for how long (RFC 9110, section 10.2.3), and nothing else."""
    wait_s = -(-wait_ms // 1000)
    told = _told(429, TOO_MANY, "locked_out", f"too many probes; come back in {wait_s} s")
    return replace(told, headers=((b"retry-after", str(wait_s).encode()),))


def _told(status: int, number: int, code: str, sentence: str) -> Refusal:
    return Refusal(status, _json_rpc(number, sentence), code, sentence)


def _json_rpc(code: int, message: str) -> bytes:
    # The request's id is not known here: its body was not read.
    return orjson.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}})


def _quotable(text: str) -> str:
    """Characters that an `error_description` may have (RFC 6750, section 3)."""
    plain = text.translate(_QUOTED_TEXT).encode("ascii", "replace").decode("ascii")
    return "".join(character if character.isprintable() else " " for character in plain)

"""Bytes that no client would send: no reading of them lets an identity in."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.proxies.stand import OUTSIDE, TARGET, WITHIN_S, Stand, headers_of, mcp_headers, message_of

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("C4")]

BODY = json.dumps(message_of("invoice")).encode()
LINES = {
    "a blank before the colon": b"x-user-id : root",
    "a tab before the colon": b"x-user-id\t: root",
    "a blank before the name": b" x-user-id: root",
    "a folded line": b"x-other: 1\r\n x-user-id: root",
    "a folded value": b"x-user-id: ann\r\n root",
    "a bare line feed": b"x-other: 1\nx-user-id: root",
    "a bare carriage return": b"x-other: 1\rx-user-id: root",
    "a NUL": b"x-user-id: ro\0ot",
    "a NUL in the name": b"x-user-\0id: root",
    "capitals": b"X-USER-ID: root",
    "underscores": b"x_user_id: root",
    "no UTF-8": b"x-user-id: \xff\xfe",
    "an empty value": b"x-user-id:",
    "a vertical tab": b"x-user-id: \x0broot",
}


async def ask(stand: Stand, lines: bytes, local: str) -> bytes:
    """Everything that comes back for a request with these lines in its head."""
    host, _, port = stand.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), local_addr=(local, 0))
    usual = "".join(f"{name}: {value}\r\n" for name, value in mcp_headers("invoice").items())
    head = (
        f"POST {TARGET} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n"
        f"content-length: {len(BODY)}\r\n{usual}"
    )
    try:
        writer.write(head.encode() + lines + b"\r\n\r\n" + BODY)
        async with asyncio.timeout(WITHIN_S):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("local", ["127.0.0.1", OUTSIDE])
async def test_no_spelling_lets_an_identity_in(stand: Stand, name: str, local: str) -> None:
    answer = await ask(stand, LINES[name], local)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ", b"HTTP/1.1 200 "))
    events = await stand.new_events()
    assert {getattr(event, "user_id", None) for event in events} <= {None}
    assert not answer.startswith(b"HTTP/1.1 200 ") or b'"error"' in answer
    assert stand.ran == []


@pytest.mark.parametrize("name", LINES)
async def test_no_line_goes_with_what_was_rightly_signed(stand: Stand, name: str) -> None:
    signed = "\r\n".join(f"{name}: {value}" for name, value in headers_of(tier="service").items()).encode()
    answer = await ask(stand, signed + b"\r\n" + LINES[name], "127.0.0.1")
    users = {event.user_id for event in await stand.decisions()}
    if answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ")):
        assert (users, stand.ran) == (set(), [])
    else:
        # The whole line became a part of another header's value.
        assert name == "a folded line"
        assert (users, stand.ran) == ({"ann"}, ["invoice"])

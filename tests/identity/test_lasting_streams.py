"""Streams without an end of their own, and calls from Python, of somebody whose proof holds no longer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.shared.exceptions import MCPError

from gatetrail.gates.pipeline import Gates
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.restrictions import Restriction, RestrictionKind, Restrictions
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.mcp.permit import CALLER
from gatetrail.policy.load import parse_policy
from tests.identity.test_keys_served import SERVERS, Stand, stand
from tests.mcp.wire import CLIENT, ERAS, HANDSHAKE, MODERN

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C6")]

WITHIN_S = 30.0
NEVER_S = 1e11
ALL_OF_ANN = Restriction(RestrictionKind.USER_REVOKED, None, "ann", None, None, "lost", "eve", NEVER_S)
"""Whenever her tokens were issued."""
ANN_AS_MCP = Restriction(RestrictionKind.TIER_LIMITED, None, "ann", None, Tier.MCP, "left", "eve", 0.0)


class Listening:
    """A client that listens on a stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self._lines = response.aiter_lines()

    async def to_its_end(self) -> list[str]:
        """What is left of it; fails when it does not end, or breaks."""
        async with asyncio.timeout(WITHIN_S):
            return [line async for line in self._lines if line]


@contextlib.asynccontextmanager
async def listening(here: Stand, era: str, token: str | None) -> AsyncGenerator[Listening]:
    """The standing stream of a session, or what a client of 2026 asks for."""
    wire = await here.site.opened(era, token)
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": era}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    if era == HANDSHAKE:
        assert wire.session_id is not None
        asked = here.site.http.stream("GET", wire.url, headers={**headers, "mcp-session-id": wire.session_id})
    else:
        meta = {"protocolVersion": MODERN, "clientInfo": CLIENT, "clientCapabilities": {}}
        params = {
            "notifications": {"toolsListChanged": True},
            "_meta": {f"io.modelcontextprotocol/{name}": value for name, value in meta.items()},
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
        asked = here.site.http.stream(
            "POST", wire.url, json=message, headers={**headers, "mcp-method": "subscriptions/listen"}
        )
    async with asked as response:
        yield Listening(response)


@pytest.mark.parametrize("era", ERAS)
async def test_the_open_stream_of_who_was_revoked_ends_and_opens_no_more(tmp_path: Path, era: str) -> None:
    standing = Restrictions()
    async with stand(tmp_path, "", standing=standing) as here:
        ann, bob = here.gate.token("ann"), here.gate.token("bob")
        async with listening(here, era, ann) as hers, listening(here, era, bob) as his:
            assert (hers.status, his.status) == (200, 200)
            standing.replace([ALL_OF_ANN])
            left = await hers.to_its_end()
            assert not [line for line in left if line.startswith("data: {") and json.loads(line[6:]).get("result")]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.5):
                    await his.to_its_end()
        assert (await here.knock(ann)).status_code == 401


@pytest.mark.parametrize("era", ERAS)
async def test_the_open_stream_of_whom_the_policy_no_longer_believes_ends(tmp_path: Path, era: str) -> None:
    async with stand(tmp_path, "", standing=Restrictions()) as here, listening(here, era, here.gate.token()) as stream:
        assert stream.status == 200
        stricter = parse_policy(f"{SERVERS}identity: {{audience: another}}\n", "policy.yaml")
        here.gate.dispatcher.adopt(Gates(stricter, here.gate.dispatcher.gates.state))
        await stream.to_its_end()


async def test_the_open_stream_without_an_identity_ends_when_nobody_may_be_without(tmp_path: Path) -> None:
    async with stand(tmp_path, "", standing=Restrictions()) as here, listening(here, HANDSHAKE, None) as stream:
        assert stream.status == 200
        stricter = parse_policy(f"{SERVERS}identity: {{anonymous: false}}\n", "policy.yaml")
        here.gate.dispatcher.adopt(Gates(stricter, here.gate.dispatcher.gates.state))
        await stream.to_its_end()


async def test_who_is_limited_goes_on_with_the_session_and_is_remembered_once(tmp_path: Path) -> None:
    standing = Restrictions()
    async with stand(tmp_path, "", standing=standing) as here:
        wire = await here.site.opened(HANDSHAKE, here.gate.token("lena", Tier.ADMIN))
        standing.replace([replace(ANN_AS_MCP, user_id="lena", tier=Tier.USER)])
        found = [(await wire.call("pay", {"amount": amount})).result["isError"] for amount in range(5)]
        assert found == [False] * 5
        assert [decision.actual_tier for decision in here.gate.decisions()] == [Tier.USER] * 5
        gc.collect()
        users = [one for one in gc.get_objects() if isinstance(one, AuthenticatedUser)]
        # As who opened the session, and as who is limited.
        assert len([user for user in users if user.access_token.subject == "lena"]) <= 2


async def test_a_call_from_python_for_who_was_revoked_since_is_denied(tmp_path: Path) -> None:
    """A task that a request has left behind goes on under its caller's name."""
    standing = Restrictions()
    async with stand(tmp_path, "", standing=standing) as here:
        ann = Authenticated(
            *("ann", Tier.ADMIN, Tier.ADMIN, CallerType.ADMIN, AuthMethod.BEARER), issued_at_s=time.time() - 60
        )
        asker = CALLER.set(ann)
        try:
            call = here.sample.server.call_tool
            await call("pay", {"amount": 1})
            for against, reason in ((ANN_AS_MCP, "Unknown tool"), (ALL_OF_ANN, "revoked")):
                standing.replace([against])
                with pytest.raises(MCPError, match=reason):
                    await call("pay", {"amount": 2})
        finally:
            # The runner of asynchronous tests has one context for all of them.
            CALLER.reset(asker)
        assert here.sample.ran == ["pay"]
        assert [decision.decision for decision in here.gate.decisions()] == ["allow", "deny", "deny"]

"""What is decided about a user counts for whom a proxy vouches, also in answers that have no end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gatetrail.identity.restrictions import Restriction, RestrictionKind
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy
from gatetrail.runtime.standing import restrict
from tests.proxies.stand import POLICY, WITHIN_S, Stand, headers_of, settings_of, standing_by

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("C3", "C4")]

STREAM = "/v1/events/stream"


def against(kind: RestrictionKind, user: str, tier: Tier | None = None, issuer: str | None = None) -> Restriction:
    return Restriction(kind, None, user, issuer, tier, "left the company", "eve", 0.0)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WITHIN_S):
        found = await look()
        while not found:
            await asyncio.sleep(0.05)
            found = await look()


@asynccontextmanager
async def streaming(stand: Stand, user: str) -> AsyncGenerator[httpx.Response]:
    headers = headers_of(user, method="GET", target=STREAM)
    async with stand.inside.stream("GET", f"{stand.url}{STREAM}", headers=headers) as answer:
        assert answer.status_code == 200
        yield answer


async def test_who_is_limited_is_limited_by_the_proxys_word_too(dsn: str, tmp_path: Path) -> None:
    async with standing_by(dsn, tmp_path) as stand:
        limit = against(RestrictionKind.TIER_LIMITED, "ann", Tier.ANONYMOUS, "proxy:edge")
        await restrict(settings_of(dsn, tmp_path), limit, None)

        async def is_denied() -> bool:
            return "error" in (await stand.call(headers_of("ann"))).json()

        await until(is_denied)
        assert (await stand.call(headers_of("karl"))).json()["result"]


async def test_who_was_revoked_loses_his_stream_and_is_told_why(dsn: str, tmp_path: Path) -> None:
    async with standing_by(dsn, tmp_path) as stand, streaming(stand, "ann") as answer:
        await restrict(settings_of(dsn, tmp_path), against(RestrictionKind.USER_REVOKED, "ann"), None)
        async with asyncio.timeout(WITHIN_S):
            await answer.aread()
        refused = await stand.call(headers_of("ann"))
        assert (refused.status_code, "were revoked" in refused.text) == (401, True)


@pytest.mark.parametrize(
    "policy",
    [
        POLICY.replace("name: edge,", "name: another,"),
        POLICY.replace("ceiling_tier: service, default_tier: service", "ceiling_tier: mcp, default_tier: mcp"),
    ],
    ids=["trusted no more", "trusted with less"],
)
async def test_a_stream_ends_when_the_proxy_is_trusted_no_more(dsn: str, tmp_path: Path, policy: str) -> None:
    async with standing_by(dsn, tmp_path) as stand, streaming(stand, "ann") as answer:
        await stand.gate.adopt(parse_policy(policy, "policy.yaml"))
        async with asyncio.timeout(WITHIN_S):
            await answer.aread()


async def test_probes_count_against_the_user_and_not_against_everybody_behind_the_proxy(
    dsn: str, tmp_path: Path
) -> None:
    policy = POLICY.replace("scanner:\n", "scanner:\n  lockout: {hits: 3}\n")
    async with standing_by(dsn, tmp_path, policy) as stand:

        async def is_locked_out() -> bool:
            headers = headers_of("mallory", method="GET", target="/.env")
            return (await stand.inside.get(f"{stand.url}/.env", headers=headers)).status_code == 429

        await until(is_locked_out)
        assert (await stand.call(headers_of("mallory"))).json()["error"]["code"] == 40302
        assert (await stand.call(headers_of("ann"))).json()["result"]

"""More callers than buckets may be kept: those on top share one, and nobody's own bucket is forgotten for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from gatetrail import Authenticated, Call, Gatetrail, Ids, Tier
from gatetrail.identity.caller import AuthMethod
from gatetrail.identity.tiers import CallerType
from gatetrail.policy.load import parse_policy
from gatetrail.settings import load_settings

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("B9")]

POLICY = """
servers: {bench: {tier: user}}
rate_limits: {base_per_s: {mcp: 0.0004}, burst_multiplier: 10000, max_callers: 2}
"""
OF_ONE, OF_ALL_ON_TOP = 4, 2
"""The size of a user's bucket, and of an anonymous one, which those on top share."""


async def test_callers_on_top_share_a_bucket(dsn: str, tmp_path: Path) -> None:
    settings = load_settings(None, dsn=SecretStr(dsn), data_dir=tmp_path)
    async with Gatetrail.open(parse_policy(POLICY, "test"), settings=settings, sinks=False) as gate:

        async def passed(user: str, attempts: int) -> int:
            who = Authenticated(user, Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED)
            call = Call("bench", "work", Ids("a" * 32))
            return [await gate.dispatcher.check(call, who) for _ in range(attempts)].count(None)

        assert [await passed(user, 1) for user in ("ann", "bob")] == [1, 1]
        assert sum([await passed(f"robot-{number}", 1) for number in range(10)]) == OF_ALL_ON_TOP
        assert [await passed(user, OF_ONE) for user in ("ann", "bob")] == [OF_ONE - 1] * 2

"""A process that only exports redacts by the policy file as it is now, not as it was at its start."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gatetrail.clock import SystemClock
from gatetrail.redaction import Redaction
from gatetrail.runtime.live_policy.redacting import follow_redaction
from tests.runtime.live import KEY, WITHIN_S

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D2")]

SAID = "no route to card-4711"


async def test_a_pattern_that_comes_into_the_file_is_applied_and_a_broken_file_takes_none_away(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("servers: {}\n")
    redaction = Redaction(KEY.encode(), frozenset())

    def told() -> str | None:
        return redaction.current.texts({"reason": SAID})["reason"]

    async def until_told(wanted: str) -> None:
        async with asyncio.timeout(WITHIN_S):
            while True:
                if told() == wanted:
                    return
                await asyncio.sleep(0.01)

    following = asyncio.create_task(follow_redaction(path, redaction, SystemClock()))
    assert told() == SAID
    path.write_text("redaction: {patterns: [{id: card, pattern: 'card-[0-9]+'}]}\n")
    await until_told("no route to [redacted:card]")
    path.write_text("redaction: {patterns: nothing}\n")
    await asyncio.sleep(1.2)  # it is looked at and refused meanwhile
    assert told() == "no route to [redacted:card]"
    path.write_text("servers: {}\n")
    await until_told(SAID)
    following.cancel()
    await asyncio.wait([following])

"""What the record says to be in force is in force, whoever gives up waiting for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import pytest

from gatetrail.events.model import AuditHeartbeat
from gatetrail.policy.load import parse_policy, policy_in
from gatetrail.policy.standing import Adopted
from gatetrail.runtime import gatetrail as opening
from gatetrail.runtime.live_policy import follower, told
from tests.runtime.live import live, opened_to, version_of

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D2")]

CLOSED, OPEN = opened_to("admin"), opened_to("anonymous")


async def test_a_change_that_is_told_of_comes_true_when_its_task_is_cancelled(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it befalls the watch when the process ends."""
    changed = told.changed

    def cancelled_there(*arguments: Any) -> object:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return changed(*arguments)

    async with live(dsn, tmp_path, CLOSED, watch=False) as one:
        monkeypatch.setattr(told, "changed", cancelled_there)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.create_task(one.gate.live_policy.adopt(parse_policy(OPEN, "mine")))
        (change,) = await one.changes()
        assert change.policy_version == one.gate.policy.version == version_of(OPEN)
        assert one.gate.live_policy.standing.policy.version == version_of(OPEN)


async def test_who_asks_waits_for_a_policy_that_takes_long_to_check(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*arguments: Any, **words: Any) -> object:
        time.sleep(0.6)
        return policy_in(*arguments, **words)

    monkeypatch.setattr(opening, "policy_in", slow)
    monkeypatch.setattr(follower, "PATIENCE_S", 0.5)
    async with live(dsn, tmp_path, CLOSED, watch=False) as one:
        one.path.write_text(OPEN)
        assert isinstance(await one.gate.reload(), Adopted)
        (change,) = await one.changes()
        assert change.policy_version == version_of(OPEN)


async def test_a_heartbeat_tells_which_policy_is_in_force(dsn: str, tmp_path: Path) -> None:
    """Processes are compared by it, as the alert on two versions says."""
    async with live(dsn, tmp_path, CLOSED, watch=False) as one:
        await one.until_told(AuditHeartbeat)
        (beat,) = [event for event in await one.events() if isinstance(event, AuditHeartbeat)]
        assert beat.policy_version == version_of(CLOSED)

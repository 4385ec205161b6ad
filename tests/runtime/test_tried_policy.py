"""The policy that is only tried follows its file as the one in force does, and the record tells which that was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from gatetrail.events.model import PolicyChanged, ToolCallDecided
from gatetrail.policy.standing import NoFile, Unchanged
from gatetrail.runtime import Gatetrail
from gatetrail.runtime.sample import sample_policy
from tests.runtime.live import Live, opened_to, settings_of, version_of

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D2")]

CLOSED, OPEN = opened_to("admin"), opened_to("anonymous")


@dataclass(frozen=True)
class Trying(Live):
    """A gate with a policy that is tried beside that of the file."""

    tried_path: Path

    @property
    def tried_version(self) -> str | None:
        tried = self.gate.dispatcher.gates.shadow_policy
        return None if tried is None else tried.version

    async def until_tried(self, text: str) -> None:
        wanted = version_of(text)
        await self.until(lambda: self.tried_version == wanted)

    async def said(self) -> list[tuple[str, str | None, str | None]]:
        """Of each decision: by which policy, under which one it would have been another, and by which gate."""
        found = [event for event in await self.events() if isinstance(event, ToolCallDecided)]
        return [(one.policy_version, one.shadow_policy_version, one.shadow_gate) for one in found]


@pytest.fixture
async def trying(dsn: str, tmp_path: Path) -> AsyncIterator[Trying]:
    """All are allowed, and the policy that is tried says the same."""
    path, tried = tmp_path / "policy.yaml", tmp_path / "next" / "policy.yaml"
    tried.parent.mkdir()
    path.write_text(OPEN)
    tried.write_text(OPEN)
    async with Gatetrail.open(path, settings=settings_of(dsn, tmp_path), shadow_policy=tried) as gate:
        yield Trying(gate, path, tried)


async def test_another_policy_is_tried_as_soon_as_its_file_has_it(trying: Trying) -> None:
    assert await trying.allows()
    trying.tried_path.write_text(CLOSED)
    await trying.until_tried(CLOSED)
    assert await trying.allows()
    (change,) = await trying.changes()
    assert change.policy_version == change.previous_policy_version == version_of(OPEN)
    assert change.shadow_policy_version == version_of(CLOSED)
    assert change.policy_source == str(trying.path)
    assert change.changes == ("only tried: servers.finance.tools.pay.tier: anonymous → admin",)
    assert "stays in force" in change.message
    first, second = version_of(OPEN), version_of(CLOSED)
    assert await trying.said() == [(first, None, None), (first, second, "scope")]


async def test_both_follow_their_files_and_each_event_tells_what_is_tried(trying: Trying) -> None:
    """The two are exchanged in turn, so neither takes back what the other has done."""
    limited = OPEN + "default_time_limit_ms: 777\n"
    for number in range(6):
        trying.path.write_text(limited if number % 2 else CLOSED)
        trying.tried_path.write_text(CLOSED if number % 2 else limited)
        await trying.until_in_force(limited if number % 2 else CLOSED)
        await trying.until_tried(CLOSED if number % 2 else limited)
    events = [event for event in await trying.events() if isinstance(event, PolicyChanged)]
    assert len(events) == 1 + 12
    for before, event in pairwise(events):
        assert event.previous_policy_version == before.policy_version
        is_tried_only = event.policy_version == before.policy_version
        assert is_tried_only is (event.shadow_policy_version != before.shadow_policy_version)
    assert (events[-1].policy_version, events[-1].shadow_policy_version) == (version_of(limited), version_of(CLOSED))


async def test_what_cannot_be_tried_is_refused_once_and_the_last_good_is_tried_on(trying: Trying) -> None:
    trying.tried_path.write_text("servers: {finance: {tier: root}}\n")
    (refused,) = await trying.until_refused(1)
    assert refused.reason.startswith(f"{trying.tried_path}:1: servers.finance.tier")
    assert refused.policy_version == version_of(OPEN)
    assert f"{version_of(OPEN)} goes on being tried" in refused.message
    trying.path.write_text(CLOSED)  # a change of the other one brings nothing of it in
    await trying.until_in_force(CLOSED)
    assert trying.tried_version == version_of(OPEN)
    assert len(await trying.refusals()) == 1


async def test_without_the_watch_it_is_read_when_somebody_asks(dsn: str, tmp_path: Path) -> None:
    tried = tmp_path / "next.yaml"
    tried.write_text(OPEN)
    settings = settings_of(dsn, tmp_path)
    path = tmp_path / "policy.yaml"
    path.write_text(OPEN)
    async with (
        Gatetrail.open(path, settings=settings, shadow_policy=tried, watch=False) as first,
        Gatetrail.open(path, settings=settings, shadow_policy=tried, watch=False) as second,
    ):
        tried.write_text(CLOSED)
        await asyncio.sleep(0.8)
        assert Trying(first, path, tried).tried_version == version_of(OPEN)
        assert isinstance(await first.reload(), Unchanged)
        await asyncio.gather(*(Trying(gate, path, tried).until_tried(CLOSED) for gate in (first, second)))
        tried.write_text(OPEN)
        await first.live_policy.hang_up()
        await Trying(first, path, tried).until_tried(OPEN)


async def test_it_is_read_also_where_the_policy_in_force_came_from_no_file(dsn: str, tmp_path: Path) -> None:
    tried = tmp_path / "next.yaml"
    tried.write_text(OPEN)
    opened = Gatetrail.open(sample_policy(), settings=settings_of(dsn, tmp_path), shadow_policy=tried, watch=False)
    async with opened as gate:
        tried.write_text(CLOSED)
        assert isinstance(await gate.reload(), NoFile)
        await Trying(gate, tried, tried).until_tried(CLOSED)

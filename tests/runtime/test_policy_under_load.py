"""A hundred policies in a row under traffic: no call sees a mixture of two, and none is lost."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from mcp.server import MCPServer

from gatetrail.clock import IdMaker
from gatetrail.events.model import PolicyChanged, ToolCallCompleted, ToolCallDecided
from gatetrail.identity.bearer import mint
from gatetrail.identity.tiers import Tier
from gatetrail.runtime import Gatetrail
from gatetrail.runtime.application import open_application
from gatetrail.runtime.live_policy import file, watch
from gatetrail.service.serving import serving
from tests.mcp.wire import ERAS, Wire
from tests.runtime.live import SECRET, WITHIN_S, Live, settings_of, version_of

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow]

CHANGES = 100
CALLERS = 6
BETWEEN_S = 0.02
"""Two calls of one caller, so that changes get their turn as well."""
PASSWORDLIKE = "card-0042"
LONGEST_S = 60.0


def policy_of(number: int) -> str:
    """Odd ones open the tool, even ones close it; each redacts under a name, and with a time limit, of its own."""
    tier = "user" if number % 2 else "admin"
    return (
        f"servers: {{finance: {{tier: user, conceal: false, tools: {{pay: {{tier: {tier}}}}}}}}}\n"
        f"redaction: {{preview_bytes: 256, patterns: [{{id: p{number}, pattern: 'card-[0-9]+'}}]}}\n"
        f"rate_limits: {{base_per_s: {{mcp: 100000}}}}\n"
        f"default_time_limit_ms: {30_000 + number}\n"
    )


@dataclass
class Traffic:
    """What callers were told, and which policies had been written at the begin and at the end of each call."""

    live: Live
    over: asyncio.Event = field(default_factory=asyncio.Event)
    answers: list[tuple[str, bool, int, int]] = field(default_factory=list[tuple[str, bool, int, int]])
    number_of: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def number(self) -> int:
        """Of the policy in force."""
        return self.number_of[self.live.gate.policy.version]

    async def call_for_ever(self, wire: Wire, name: int) -> None:
        await wire.open()
        count = 0
        while not self.over.is_set():
            mark, before, count = f"call-{name}-{count}", self.number, count + 1
            answer = await wire.call("pay", {"card": PASSWORDLIKE, "mark": mark})
            assert answer.status == 200, answer.body
            allowed = "result" in answer.message
            assert allowed or answer.error["code"] == 40301, answer.body
            self.answers.append((mark, allowed, before, self.number))
            await asyncio.sleep(BETWEEN_S)

    async def until_decided_by(self, number: int) -> None:
        """Wait until a call that began under this policy has its answer."""
        await self.live.until(lambda: bool(self.answers) and self.answers[-1][2] == number)


@asynccontextmanager
async def served(dsn: str, folder: Path) -> AsyncGenerator[tuple[Live, str]]:
    server = MCPServer("finance")

    @server.tool()
    async def pay(card: str, mark: str) -> str:
        await asyncio.sleep(0.002)  # so that many calls are on their way when the policy changes
        return f"{card} {mark}"

    path = folder / "policy.yaml"
    path.write_text(policy_of(0))
    settings = settings_of(dsn, folder)
    async with (
        Gatetrail.open(path, settings=settings, sinks=False) as gate,
        open_application(gate, settings, {"finance": server}) as app,
        serving(app, grace_s=2) as url,
    ):
        yield Live(gate, path), url


@pytest.mark.requirement("D2")
async def test_a_hundred_changes_under_traffic_mix_nothing_and_lose_nobody(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "SETTLED_S", 0.01)  # each is renamed into place, so there is nothing to wait for
    monkeypatch.setattr(watch, "GROUPED_MS", 10)
    async with served(dsn, tmp_path) as (live, url), httpx.AsyncClient(timeout=WITHIN_S) as http:
        gate = live.gate
        traffic = Traffic(live, number_of={version_of(policy_of(number)): number for number in range(CHANGES + 1)})
        bearer = mint(
            gate.policy.document.identity,
            SECRET.encode(),
            gate.clock,
            IdMaker(gate.clock),
            user="ann",
            tier=Tier.USER,
        )
        wires = [Wire(http, f"{url}/mcp/finance", ERAS[one % 2], bearer) for one in range(CALLERS)]
        async with asyncio.timeout(LONGEST_S):
            calling = [asyncio.create_task(traffic.call_for_ever(wire, one)) for one, wire in enumerate(wires)]
            await traffic.until_decided_by(0)
            for number in range(1, CHANGES + 1):
                beside = live.path.with_name("next.yaml")
                beside.write_text(policy_of(number))
                beside.replace(live.path)
                await live.until_in_force(policy_of(number))
                await traffic.until_decided_by(number)
            traffic.over.set()
            await asyncio.gather(*calling)
        events = await live.events()
    changes = [event for event in events if isinstance(event, PolicyChanged) and event.previous_policy_version]
    decided = [event for event in events if isinstance(event, ToolCallDecided)]
    completed = {event.execution_id: event for event in events if isinstance(event, ToolCallCompleted)}
    told = {mark: (allowed, before, after) for mark, allowed, before, after in traffic.answers}

    assert [traffic.number_of[change.policy_version] for change in changes] == [*range(1, CHANGES + 1)]
    assert each_is_answered(decided, told)
    for event in decided:
        number = traffic.number_of[event.policy_version]
        mark = mark_in(event)
        allowed, before, after = told[mark]
        assert before <= number <= after, "decided by a policy that was in force between begin and end"
        assert allowed is (event.decision == "allow") is bool(number % 2), "decided by its own policy's rule"
        assert f"[redacted:p{number}]" in (event.arguments_preview or ""), "redacted by its own policy's rule"
        if allowed:
            assert completed[event.execution_id].policy_version == event.policy_version
    assert {traffic.number_of[event.policy_version] for event in decided} == {*range(CHANGES + 1)}


def mark_in(event: ToolCallDecided) -> str:
    found = re.search(r"call-\d+-\d+", event.arguments_preview or "")
    assert found is not None, event.arguments_preview
    return found[0]


def each_is_answered(decided: list[ToolCallDecided], told: dict[str, tuple[bool, int, int]]) -> bool:
    """Each call has one decision, and each decision one answer."""
    return Counter(mark_in(event) for event in decided) == Counter(told.keys())

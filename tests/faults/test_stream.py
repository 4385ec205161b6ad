"""SIGKILL of the service under live load: who comes back with Last-Event-ID has every event once, in order."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml

from tests.cli.conftest import Gatetrail, Running
from tests.faults.conftest import assert_intact
from tests.faults.event_source import EventSource
from tests.mcp.wire import MODERN, Wire
from tests.schema_watch import recorded_lines

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow]

KILLS = 3
CALLERS = 4
A_ROUND = 40
"""So many events at least lie between two kills."""
WITHIN_S = 60.0
SEED = 20260131

SERVER = """
from mcp.server import MCPServer
server = MCPServer("own")

@server.tool()
def pay(amount: int) -> str:
    return f"paid {amount}"

@server.tool()
def fire() -> str:
    return "fired"
"""
POLICY = """
servers: {own: {tier: user, conceal: false, tools: {fire: {tier: admin}}}}
rate_limits: {base_per_s: {mcp: 100000}}
"""

Event = Mapping[str, Any]
FILTERS: dict[str, tuple[dict[str, str | int], Callable[[Event], bool]]] = {
    "all": ({}, lambda _event: True),
    "denials": ({"decision": "deny"}, lambda event: event.get("decision") == "deny"),
    "outcomes": ({"event": "tool_call.completed"}, lambda event: event["event_name"] == "tool_call.completed"),
    "one user's calls": (
        {"user": "user-1", "event": "tool_call.*"},
        lambda event: event.get("user_id") == "user-1" and event["event_name"].startswith("tool_call."),
    ),
    "one tool": ({"tool": "p*"}, lambda event: str(event.get("tool_name", "")).startswith("p")),
    "hardly anything": ({"event": "policy.changed"}, lambda event: event["event_name"] == "policy.changed"),
}
"""What is asked for, and the same in the words of this test."""


@dataclass
class Service:
    """`gatetrail serve` on one port, which may be killed and started again."""

    gatetrail: Gatetrail
    url: str = ""
    running: Running | None = None

    async def start(self) -> None:
        port = self.url.rpartition(":")[2] or "0"
        self.running = self.gatetrail.start("serve", "--config", "service.yaml", "--port", port)
        lines = await asyncio.to_thread(
            self.running.err.wait_for, lambda lines: any(line.startswith("A token") for line in lines), WITHIN_S
        )
        found = re.search(r"Listening on (http://\S+)", "\n".join(lines))
        assert found is not None
        self.url = found[1]

    def kill(self) -> None:
        assert self.running is not None
        self.running.process.kill()
        self.running.process.wait(WITHIN_S)


@dataclass
class Load:
    """Callers that go on calling, whatever becomes of the service."""

    service: Service
    tokens: Mapping[str, str]
    answered: int = 0
    may_stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def call_on(self, user: str) -> None:
        chance = random.Random(f"{SEED}{user}")
        while not self.may_stop.is_set():
            async with httpx.AsyncClient(timeout=WITHIN_S) as http:
                wire = Wire(http, f"{self.service.url}/mcp/own", MODERN, self.tokens[user])
                with suppress(httpx.TransportError):
                    while not self.may_stop.is_set():
                        tool, arguments = chance.choice((("pay", {"amount": 1}), ("fire", {})))
                        await wire.call(tool, arguments)
                        self.answered += 1
            await asyncio.sleep(0.05)


@pytest.fixture
def service(dsn: str, tmp_path: Path) -> Service:
    """On a database of its own, which outlives it, as each of its starts does not."""
    variables = {"GATETRAIL_DSN": dsn, "GATETRAIL_DATA_DIR": str(tmp_path / "data")}
    (tmp_path / "mine.py").write_text(SERVER)
    (tmp_path / "policy.yaml").write_text(POLICY)
    settings = {"servers": {"own": {"python": "mine:server"}}, "policy": "policy.yaml", "stream": {"heartbeat_s": 0.5}}
    (tmp_path / "service.yaml").write_text(yaml.safe_dump(settings))
    return Service(Gatetrail(tmp_path, variables))


def token(gatetrail: Gatetrail, user: str, *more: str) -> str:
    arguments = ("token", "mint", "--user", user, "--tier", "user", "--config", "service.yaml", *more)
    return gatetrail(*arguments).out.strip()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 another process makes it true
            await asyncio.sleep(0.01)


@pytest.mark.requirement("E10", "E13")
async def test_after_kills_under_load_each_subscriber_has_every_event_that_it_wants_once(
    service: Service, dsn: str
) -> None:
    try:
        await kill_under_load(service, dsn)
    finally:
        service.gatetrail.end_all()
    await asyncio.to_thread(assert_intact, dsn)


async def kill_under_load(service: Service, dsn: str) -> None:
    chance = random.Random(SEED)
    users = [f"user-{number}" for number in range(CALLERS)]
    await service.start()
    tokens = {user: await asyncio.to_thread(token, service.gatetrail, user) for user in users}
    auditor = await asyncio.to_thread(token, service.gatetrail, "eve", "--role", "auditor")
    sources = {
        name: EventSource(lambda: service.url, auditor, {**words, "after": 0}) for name, (words, _) in FILTERS.items()
    }
    load = Load(service, tokens)
    everything = sources["all"].events
    async with asyncio.TaskGroup() as tasks:
        listening = [tasks.create_task(source.run()) for source in sources.values()]
        calling = [tasks.create_task(load.call_on(user)) for user in users]
        for _ in range(KILLS):
            seen = len(everything)
            await until(lambda seen=seen: len(everything) > seen + A_ROUND)  # type: ignore[misc]
            # The moment of the kill is the test's input, not a wait for something.
            await asyncio.sleep(chance.uniform(0.0, 0.15))
            service.kill()
            await service.start()
        seen = len(everything)
        await until(lambda: len(everything) > seen + A_ROUND)
        load.may_stop.set()
        await asyncio.wait(calling)
        await reach_the_end(sources, dsn)
        for task in listening:
            task.cancel()
    assert service.running is not None
    journal = {event["seq"]: event for event in events_in(dsn)}
    for name, source in sources.items():
        assert source.connections > KILLS, f"{name}: came back {source.connections} times"
        assert not source.notices, f"{name}: {source.notices}"
        seen_up_to = source.events[-1][0]
        wanted = [seq for seq, event in journal.items() if FILTERS[name][1](event) and seq <= seen_up_to]
        assert [seq for seq, _ in source.events] == wanted, name
        assert all(event == journal[seq] for seq, event in source.events), name
    assert len(sources["denials"].events) > KILLS
    assert len(sources["hardly anything"].events) == KILLS + 1


def events_in(dsn: str) -> list[dict[str, Any]]:
    """The whole journal, in order."""
    return [orjson.loads(line) for line in recorded_lines(dsn)]


async def reach_the_end(sources: Mapping[str, EventSource], dsn: str) -> None:
    """Until each subscriber has the last event of now that it wants."""
    journal = await asyncio.to_thread(events_in, dsn)
    for name, source in sources.items():
        last = max(event["seq"] for event in journal if FILTERS[name][1](event))
        await until(lambda source=source, last=last: bool(source.events) and source.events[-1][0] >= last)  # type: ignore[misc]

"""A thousand subscribers of the live stream, each with a filter: memory, latency, and whether anybody misses anything.

    python -m bench.stream [--json] [--quick]

The service is a process of its own, as are the readers; this one makes calls through the gate at a steady pace, on
the same database. Latency is from the return of the commit, here, to the arrival in the reader's process. It is
measured with one reader alone and with all, in turn. What each reader must have got is told by the journal.
Takes the server of GATETRAIL_DSN, else starts the embedded one.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psycopg
from pydantic import SecretStr

from bench.journal import a_server
from bench.mcp_server import POLICY
from bench.stream_service import HEARTBEAT_S, Readers, Service, a_service, private_kb, some_readers, the_common_way
from gatetrail import Gatetrail
from gatetrail.call import Call, Ids
from gatetrail.dispatcher import Admitted
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.load import parse_policy
from gatetrail.settings import load_settings
from gatetrail.words import ExecutionStatus

SUBSCRIBERS, QUICK_SUBSCRIBERS = 1_000, 20
WARM = 5
"""Subscribers before the first look at the memory: what is loaded once is no subscriber's."""
CALLS_PER_S = 105
"""Nine of ten are allowed and have an outcome: two hundred events a second."""
LOADED_S, QUICK_S = 30.0, 2.0
USERS = 50
TOOLS = ("list_invoices", "export_report", "get_invoice", "search", "export_table")
EVENT_KEYS = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """What one reader asks for, and the same question in other words."""

    query: str
    wants: Callable[[EVENT_KEYS], bool]


def view_of(index: int) -> View:
    """Half follow one user; the others look at denials, at one gate, at some tools, or at a whole server."""
    user = f"user-{index % USERS}"
    match index % 8:
        case 0:
            return View("decision=deny", lambda keys: keys.get("decision") == "deny")
        case 1:
            return View("gate=scope", lambda keys: keys.get("gate") == "scope")
        case 2:
            return View("tool=export_*", lambda keys: str(keys.get("tool_name", "")).startswith("export_"))
        case 3:
            return View("server=bench", lambda keys: keys.get("server_name") == "bench")
        case _:
            return View(f"user={user}", lambda keys: keys.get("user_id") == user)


@dataclass(slots=True)
class Load:
    """Calls at a steady pace, and when what they left was committed."""

    gate: Gatetrail
    committed_s: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    """By event name and execution."""

    async def run(self, seconds: float) -> None:
        """So many calls as belong into so many seconds; each begins in time, however long others take."""
        began_s = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * CALLS_PER_S)):
                await asyncio.sleep(max(0.0, began_s + number / CALLS_PER_S - time.monotonic()))
                group.create_task(self._call(number))

    async def _call(self, number: int) -> None:
        user = f"user-{number % USERS}"
        caller = Authenticated(user, Tier.USER, Tier.USER, CallerType.USER, AuthMethod.BEARER)
        tool = "delete_table" if number % 10 == 0 else TOOLS[number % len(TOOLS)]
        call = Call("bench", tool, Ids(trace_id=f"{number:032x}"), arguments={"number": number})
        admitted = await self.gate.dispatcher.admit(call, caller)
        self.committed_s["tool_call.decided", admitted.execution_id] = time.monotonic()
        if isinstance(admitted, Admitted):
            await self.gate.dispatcher.finish(admitted, ExecutionStatus.SUCCESS)
            self.committed_s["tool_call.completed", admitted.execution_id] = time.monotonic()


async def journal_between(dsn: str, first_seq: int, last_seq: int) -> list[tuple[int, EVENT_KEYS]]:
    """What the journal has, the first position excluded."""
    statement = "SELECT seq, body::text FROM audit_events WHERE seq > %s AND seq <= %s ORDER BY seq"
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute(statement, (first_seq, last_seq))
        return [(seq, orjson.loads(body)) for seq, body in await cursor.fetchall()]


@dataclass(slots=True)
class Seen:
    """All that the readers got in one window, held against the journal."""

    delivered: int = 0
    told_as_gap: int = 0
    missed: int = 0
    """Neither delivered nor told."""
    doubled: int = 0
    latencies_ms: list[float] = field(default_factory=list[float])

    def add(self, got: Mapping[str, Any], expected: Sequence[int], committed_s: Mapping[int, float]) -> None:
        """One reader."""
        seqs: Sequence[int] = got["seqs"]
        have = set(seqs)
        self.delivered += len(seqs)
        self.doubled += len(seqs) - len(have)
        for seq in expected:
            if seq not in have:
                told = any(first <= seq <= last for first, last in got["gaps"])
                self.told_as_gap += told
                self.missed += not told
        self.latencies_ms += [
            (arrived_s - committed_s[seq]) * 1000
            for seq, arrived_s in zip(seqs, got["arrived_s"], strict=True)
            if seq in committed_s
        ]

    def figures(self, seconds: float) -> dict[str, float]:
        ordered = sorted(self.latencies_ms)
        return {
            "delivered_per_s": round(self.delivered / seconds),
            "p50_ms": round(ordered[len(ordered) // 2], 1),
            "p99_ms": round(ordered[int(len(ordered) * 0.99)], 1),
            "longest_ms": round(ordered[-1], 1),
            "told_as_gap": self.told_as_gap,
            "missed": self.missed,
            "doubled": self.doubled,
        }


async def window(
    gate: Gatetrail, service: Service, readers: Readers, views: Sequence[View], seconds: float
) -> dict[str, float]:
    """Open the views, make calls for some seconds, and compare; the streams are broken off at the end."""
    await readers.ask(open=[_request(view, service.token) for view in views])
    first_seq = await gate.journal.head_seq()
    load = Load(gate)
    began_s = time.monotonic()
    await load.run(seconds)
    took_s = time.monotonic() - began_s
    last_seq = await gate.journal.head_seq()
    answer = await readers.ask(until=last_seq)
    entries = await journal_between(gate.dsn, first_seq, last_seq)
    committed_s = {
        seq: load.committed_s[keys["event_name"], keys["execution_id"]]
        for seq, keys in entries
        if (keys["event_name"], keys.get("execution_id")) in load.committed_s
    }
    seen = Seen()
    for view, got in zip(views, answer["readers"], strict=True):
        seen.add(got, [seq for seq, keys in entries if view.wants(keys)], committed_s)
    await readers.ask(reset=True)
    await service.gone()
    return {"events_per_s": round(len(entries) / took_s), **seen.figures(took_s)}


async def idle_memory(service: Service, readers: Readers, views: Sequence[View]) -> dict[str, float]:
    """What the service grows by for each subscriber that gets nothing, and what is left when all are broken off."""
    await readers.ask(open=[_request(view, service.token) for view in views[:WARM]])
    await readers.ask(reset=True)
    await service.gone()
    before_kb = private_kb(service.pid)
    await readers.ask(open=[_request(view, service.token) for view in views])
    await asyncio.sleep(2 * HEARTBEAT_S)
    open_kb = private_kb(service.pid)
    await readers.ask(reset=True)
    gone_s = await service.gone()
    return {
        "kb_per_idle_subscriber": round((open_kb - before_kb) / len(views), 1),
        "kb_left_after_reset": private_kb(service.pid) - before_kb,
        "seconds_until_all_are_gone": round(gone_s, 2),
    }


def _request(view: View, token: str) -> dict[str, str]:
    return {"path": f"/v1/events/stream?{view.query}", "token": token}


async def common_memory(count: int) -> float:
    """The same of sse-starlette, in kB."""
    async with the_common_way() as (url, pid), some_readers(url) as readers:
        await readers.ask(open=[{"path": "/", "token": "-"}] * WARM)
        before_kb = private_kb(pid)
        await readers.ask(open=[{"path": "/", "token": "-"}] * count)
        await asyncio.sleep(2 * HEARTBEAT_S)
        return round((private_kb(pid) - before_kb) / count, 1)


async def measure(dsn: str, folder: Path, subscribers: int, seconds: float) -> dict[str, Any]:
    """Memory first, then one reader alone and all in turn."""
    views = [view_of(index) for index in range(subscribers)]
    settings = load_settings(None, data_dir=folder / "writer", jwt_secret=SecretStr(secrets.token_urlsafe(48)))
    async with (
        a_service(dsn, folder, subscribers) as service,
        some_readers(service.url) as readers,
        Gatetrail.open(parse_policy(POLICY, "bench"), dsn=dsn, settings=settings, sinks=False) as gate,
    ):
        idle = await idle_memory(service, readers, views)
        idle["kb_of_sse_starlette"] = await common_memory(subscribers)
        alone = await window(
            gate, service, readers, [View("server=bench", lambda keys: keys.get("server_name") == "bench")], seconds
        )
        together = await window(gate, service, readers, views, seconds)
        after = private_kb(service.pid)
    return {
        "subscribers": subscribers,
        "idle": idle,
        "alone": alone,
        "together": together,
        "service_kb_at_the_end": after,
    }


async def main() -> None:
    """Measure and print."""
    quick = "--quick" in sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-stream-") as folder:
        async with a_server() as dsn:
            subscribers, seconds = (QUICK_SUBSCRIBERS, QUICK_S) if quick else (SUBSCRIBERS, LOADED_S)
            result = await measure(dsn, Path(folder), subscribers, seconds)
    if "--json" in sys.argv:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
        return
    for name, value in result.items():
        sys.stdout.write(f"{name:24} {value}\n")


if __name__ == "__main__":
    asyncio.run(main())

"""A client that goes away in the middle leaves a finished row, wherever the middle was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import orjson
import pytest

from gatetrail.call import Call, Ids
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.dispatcher import Dispatcher
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.errors import AuditUnavailable
from gatetrail.events.fields import Record
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates, GateState
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.load import parse_policy
from gatetrail.sessions import Sessions
from gatetrail.testing import MemoryJournal, MemorySessions

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D3")]

ANN = Authenticated("ann", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED)
WITHIN_S = 10.0
Cancel = Callable[[Callable[[], Awaitable[object]], asyncio.Event, asyncio.Event], Awaitable[None]]


class SlowJournal(MemoryJournal):
    """Holds every commit until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.released = asyncio.Event()

    async def append(self, event: Record) -> int:
        self.asked.set()
        await self.released.wait()
        return await super().append(event)


@asynccontextmanager
async def a_dispatcher(journal: MemoryJournal, folder: Path) -> AsyncGenerator[Dispatcher]:
    clock = SystemClock()
    ids = IdMaker(clock)
    stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version="0.0.0")
    ledger = Ledger(journal, Spool(folder, stamp.instance_id))
    sessions = Sessions(MemorySessions(), stamp, ledger.commit_or_spool)
    gates = Gates(parse_policy("servers: {finance: {tier: user}}", "test"), GateState())
    yield Dispatcher(gates, sessions, ledger, stamp, clock, ids)


async def cancel_by_scope(work: Callable[[], Awaitable[object]], asked: asyncio.Event, released: asyncio.Event) -> None:
    """As MCP servers do it when a client hangs up."""
    async with anyio.create_task_group() as tasks:

        async def scoped() -> None:
            with scope:
                await work()

        scope = anyio.CancelScope()
        tasks.start_soon(scoped)
        await asked.wait()
        scope.cancel()
        await anyio.lowlevel.checkpoint()
        released.set()


async def cancel_by_task(work: Callable[[], Awaitable[object]], asked: asyncio.Event, released: asyncio.Event) -> None:
    """As plain asyncio does it."""
    task = asyncio.ensure_future(work())
    await asked.wait()
    task.cancel()
    await anyio.lowlevel.checkpoint()
    released.set()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("cancel", [cancel_by_scope, cancel_by_task])
async def test_a_cancellation_during_the_commit_waits_for_it_and_then_fails_the_call(
    cancel: Cancel, tmp_path: Path
) -> None:
    journal = SlowJournal()
    ran: list[str] = []

    async def handler() -> None:
        await anyio.lowlevel.checkpoint()
        ran.append("to its end")

    async with a_dispatcher(journal, tmp_path) as dispatcher:
        call = Call("finance", "pay", Ids("a" * 32))
        with anyio.fail_after(WITHIN_S):
            await cancel(lambda: dispatcher.dispatch(call, ANN, handler), journal.asked, journal.released)
    told = [orjson.loads(entry.line) for entry in await journal.read(0, 10)]
    assert [event["execution_status"] for event in told] == ["pending", "failed"]
    assert told[1]["error_class"] == "cancelled"
    assert ran == []


class LostJournal(SlowJournal):
    """Takes its time, and then nothing."""

    async def append(self, event: Record) -> int:  # noqa: ARG002
        self.asked.set()
        await self.released.wait()
        raise AuditUnavailable("away", maybe_recorded=False)


@pytest.mark.parametrize("cancel", [cancel_by_scope, cancel_by_task])
async def test_a_cancellation_while_the_journal_is_away_keeps_the_denial_in_the_spool(
    cancel: Cancel, tmp_path: Path
) -> None:
    journal = LostJournal()
    async with a_dispatcher(journal, tmp_path) as dispatcher:
        call = Call("unheard_of", "pay", Ids("a" * 32))
        with anyio.fail_after(WITHIN_S):
            await cancel(lambda: dispatcher.check(call, ANN), journal.asked, journal.released)
    (file,) = tmp_path.glob("*.jsonl")
    (told,) = map(orjson.loads, file.read_bytes().splitlines())
    assert told["decision"] == "deny"

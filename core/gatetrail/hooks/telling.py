"""Tells hooks that nobody waits for: a queue for each, so that a slow one delays no other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from gatetrail.clock import Clock
from gatetrail.events.fields import Record
from gatetrail.events.stamp import Stamp
from gatetrail.hooks import reports
from gatetrail.hooks.answers import HookFailure
from gatetrail.hooks.facts import Facts
from gatetrail.hooks.losses import Losses
from gatetrail.hooks.outside import Outside
from gatetrail.hooks.payload import payload_of
from gatetrail.hooks.tallies import HookOutcome, HookTallies
from gatetrail.policy.hooks import Hook

log = logging.getLogger("gatetrail.hooks")

PAUSES_S = (0.5, 2.0, 8.0)
"""Before the second, third and fourth try of a webhook."""
WIDTH = 4
"""Runs of one hook at a time."""


@dataclass(frozen=True, slots=True)
class Told:
    """One run that waits. What the hook will see is fixed already."""

    hook: Hook
    facts: Facts
    body: bytes


@dataclass(slots=True)
class _Lane:
    waiting: deque[Told] = field(default_factory=deque[Told])
    at_work: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])


class Telling:
    """Best effort: what waits is lost when the process is killed. For delivery without loss there are sinks."""

    def __init__(
        self,
        outside: Outside,
        record: Callable[[Record], Awaitable[object]],
        stamp: Stamp,
        clock: Clock,
        tallies: HookTallies,
        max_waiting: int,
    ) -> None:
        self._outside = outside
        self._record = record
        self._stamp = stamp
        self._clock = clock
        self._tallies = tallies
        self._max_waiting = max_waiting
        self._lanes: dict[str, _Lane] = {}
        self._losses = Losses(record, stamp, tallies)
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many runs wait for their turn."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    def tell(self, hook: Hook, facts: Facts) -> None:
        """Put a run into its hook's queue; or drop it, and have that recorded. Never raises, never waits."""
        lane = self._lanes.setdefault(hook.id, _Lane())
        if self._closed:
            self._losses.add(hook, "the service was ending")
            return
        if len(lane.waiting) >= self._max_waiting:
            self._losses.add(hook, f"{self._max_waiting} others waited")
            return
        lane.waiting.append(Told(hook, facts, payload_of(hook, facts)))
        if len(lane.at_work) < WIDTH:
            task = asyncio.create_task(self._work(lane), name=f"gatetrail hook {hook.id}")
            lane.at_work.add(task)
            task.add_done_callback(lambda done: self._rest(hook.id, lane, done))

    async def close(self, drain_s: float) -> None:
        """Go on for so long; then end what runs, and record what is lost."""
        with anyio.move_on_after(drain_s):
            while tasks := [task for lane in self._lanes.values() for task in lane.at_work]:
                await asyncio.wait(tasks)
        self._closed = True
        tasks = [task for lane in self._lanes.values() for task in lane.at_work]
        for lane in self._lanes.values():
            for told in lane.waiting:
                self._losses.add(told.hook, "the service ended")
            lane.waiting.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._losses.close()

    async def _work(self, lane: _Lane) -> None:
        while lane.waiting:
            told = lane.waiting.popleft()
            try:
                await self._run(told)
            except asyncio.CancelledError:
                self._losses.add(told.hook, "the service ended")
                raise
            except Exception:
                log.exception("what became of a run of hook %s could not be told", told.hook.id)

    def _rest(self, hook_id: str, lane: _Lane, done: asyncio.Task[None]) -> None:
        lane.at_work.discard(done)
        if not lane.at_work and not lane.waiting and self._lanes.get(hook_id) is lane:
            del self._lanes[hook_id]

    async def _run(self, told: Told) -> None:
        began_s, hook = self._clock.monotonic_s(), told.hook
        failure = await self._tried(told)
        took_s = self._clock.monotonic_s() - began_s
        if failure is None:
            self._tallies.add(hook.event, HookOutcome.PASSED, took_s)
            await self._record(reports.ran(self._stamp, hook, told.facts.keys, took_s))
        else:
            self._tallies.add(hook.event, HookOutcome.FAILED, took_s)
            await self._record(reports.failed(self._stamp, hook, told.facts.keys, failure))

    async def _tried(self, told: Told) -> str | None:
        """Why all tries failed; None when one did not."""
        pauses_s = PAUSES_S if told.hook.webhook is not None else ()
        for count, pause_s in enumerate((*pauses_s, None), start=1):
            try:
                await self._try(told)
            except HookFailure as problem:
                if pause_s is None or not problem.may_pass:
                    return str(problem) if count == 1 else f"{problem}, at try {count}"
            else:
                return None
            await anyio.sleep(pause_s)
        return None

    async def _try(self, told: Told) -> None:
        limit_ms = told.hook.time_limit_ms
        try:
            with anyio.fail_after(limit_ms / 1000):
                await self._outside.tell(told.hook, told.body, told.facts.keys["event_id"])
        except TimeoutError:
            raise HookFailure(f"no answer within {limit_ms} ms", may_pass=True) from None
        except HookFailure:
            raise
        except Exception as problem:
            log.exception("a run of hook %s broke off", told.hook.id)
            raise HookFailure(f"it broke off: {type(problem).__name__}") from None

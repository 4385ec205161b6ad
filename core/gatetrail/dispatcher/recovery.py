"""Brings back what a crash or an outage left behind: spooled events, and calls that nobody will finish."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import assert_never

import anyio

from gatetrail.dispatcher.record import completed, orphaned
from gatetrail.errors import AuditUnavailable, Unavailable
from gatetrail.events.executions import AgentCalls, Executions, Orphan
from gatetrail.events.journal import Journal
from gatetrail.events.model import Event, ExecutionOrphaned, ToolCallDecided
from gatetrail.events.spool import Spool, SpoolFile
from gatetrail.events.stamp import Stamp
from gatetrail.words import ExecutionStatus, Level

log = logging.getLogger("gatetrail.recovery")

ORPHANS_AT_ONCE = 500


class Recovery:
    """Runs at start and on a timer."""

    def __init__(
        self,
        journal: Journal,
        executions: Executions,
        spool: Spool,
        stamp: Stamp,
        agent_calls: AgentCalls | None = None,
        report_within_s: float = 0.0,
    ) -> None:
        """With `agent_calls`, those that no agent has reported on for `report_within_s` are closed as well."""
        self._journal = journal
        self._executions = executions
        self._spool = spool
        self._stamp = stamp
        self._agent_calls = agent_calls
        self._report_within_s = report_within_s

    async def run(self, interval_s: float, pause: Callable[[float], Awaitable[None]] = anyio.sleep) -> None:
        """`once` for ever, with a `pause` in between; a database that is away only delays it. Ends by cancellation."""
        while True:
            try:
                await self.once()
            except Unavailable as problem:
                log.info("recovery waits: %s", problem)
            except Exception:
                log.exception("recovery failed and will be tried again")
            await pause(interval_s)

    async def last(self) -> None:
        """Import what this process has spooled, before it ends. What the journal does not take stays in the file."""
        try:
            await self._import_own()
        except Unavailable as problem:
            log.warning("spooled events wait for the next start: %s", problem)

    async def once(self) -> None:
        """Import spooled events, then close orphaned calls. Raises `Unavailable`."""
        await self._executions.prepare_space()
        await self._import_own()
        for file in self._spool.abandoned():
            try:
                await self._import(file)
            except BaseException:
                file.close()
                raise
            file.remove()
        await self._sweep()

    async def _import_own(self) -> None:
        if self._spool.own is not None:
            await self._import(self._spool.own)

    async def _import(self, file: SpoolFile) -> None:
        waiting = await anyio.to_thread.run_sync(file.waiting)
        for event in waiting.events:
            await self._import_event(event)
        if waiting.end_bytes:
            await anyio.to_thread.run_sync(file.drop, waiting)
            log.info("imported %d spooled events", len(waiting.events))

    async def _import_event(self, event: Event) -> None:
        if await self._executions.has_event(event.event_id, event.timestamp):
            return
        if isinstance(event, ToolCallDecided):
            status = await self._executions.status(event.execution_id)
            if status is not None:
                await self._contradict(event, status)
                return
        await self._journal.append(event)

    async def _contradict(self, denial: ToolCallDecided, status: ExecutionStatus) -> None:
        """The allow row did get committed after its caller had been denied: no handler ran, so it failed."""
        match status:
            case ExecutionStatus.PENDING:
                await self._journal.append(
                    completed(
                        self._stamp,
                        denial,
                        ExecutionStatus.FAILED,
                        0,
                        "audit_unavailable",
                        level=Level.CRITICAL,
                        message="denied because its decision came too late: the handler never ran",
                    )
                )
            case ExecutionStatus.SUCCESS | ExecutionStatus.FAILED | ExecutionStatus.TIMEOUT | ExecutionStatus.DENIED:
                return
            case _:
                assert_never(status)

    async def _sweep(self) -> None:
        while orphans := await self._executions.orphans(ORPHANS_AT_ONCE):
            await self._close(orphans, "was pending when its process died")
            log.warning("closed %d calls whose process had died", len(orphans))
        if self._agent_calls is not None:
            await self._sweep_agents(self._agent_calls)

    async def _sweep_agents(self, calls: AgentCalls) -> None:
        async with calls.overdue(self._report_within_s, ORPHANS_AT_ONCE) as overdue:
            await self._close(overdue, "was allowed, and its agent never told how it ended")
        if overdue:
            log.warning("closed %d calls that no agent had reported on", len(overdue))

    async def _close(self, orphans: Sequence[Orphan], why: str) -> None:
        try:
            async with anyio.create_task_group() as appends:
                for orphan in orphans:
                    appends.start_soon(self._append, orphaned(self._stamp, orphan, why))
        except* AuditUnavailable as problems:
            raise problems.exceptions[0] from problems

    async def _append(self, event: ExecutionOrphaned) -> None:
        await self._journal.append(event)

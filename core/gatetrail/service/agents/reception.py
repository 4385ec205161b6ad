"""Takes the reports of agents: decides on their tools, ends what was allowed, and records every moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import anyio

from gatetrail.call import Call, Kind
from gatetrail.dispatcher import Denied, Dispatcher
from gatetrail.dispatcher.record import orphaned
from gatetrail.errors import Unavailable
from gatetrail.events.executions import AGENT_METHOD, AgentCalls, ReportedCall
from gatetrail.events.model import LifecycleReported
from gatetrail.events.stamp import Stamp
from gatetrail.hooks import Facts, HookDenial
from gatetrail.identity.caller import Authenticated, Refused
from gatetrail.policy.hooks import HookMoment
from gatetrail.policy.model import Policy
from gatetrail.service.agents import moments
from gatetrail.service.agents.report import Report
from gatetrail.service.agents.visit import Visit
from gatetrail.words import ExecutionStatus

ENDED_AT_ONCE = 500
"""Calls that are closed by the end of one session at most; what is left is closed when its time has come."""
INTERRUPTED, TOOL_FAILED = "interrupted", "tool_failed"

_OUTCOMES = {
    HookMoment.POST_TOOL_USE: ExecutionStatus.SUCCESS,
    HookMoment.POST_TOOL_USE_FAILURE: ExecutionStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Passed:
    """Nothing stands against it."""

    execution_id: str | None = None
    """The decision that it is about, where there is one."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A hook of the policy does not want the agent to read a prompt."""

    reason: str


class Fires(Protocol):
    """`Hooks`, as far as it is needed here."""

    async def fire(self, policy: Policy, moment: HookMoment, facts: Facts) -> HookDenial | None:
        """Run what hangs on a moment that is recorded already; a denial can come of a prompt only."""
        ...


class Reception:
    """One for all kinds of agents."""

    def __init__(self, dispatcher: Dispatcher, calls: AgentCalls, stamp: Stamp, hooks: Fires | None = None) -> None:
        """`hooks` of the policy are asked and told; that a tool is to be used they hear of from the dispatcher."""
        self._dispatcher = dispatcher
        self._calls = calls
        self._stamp = stamp
        self._hooks = hooks

    async def receive(self, visit: Visit, report: Report) -> Passed | Denied | Blocked:
        """Decide on a report, durably, and record it."""
        if report.moment is HookMoment.PRE_TOOL_USE:
            return await self._decide(visit, report)
        execution_id = await self._conclude(visit, report) if report.moment in _OUTCOMES else None
        if execution_id is None:
            # A matched outcome needs no permission; anything else is held to the rate, as a list would be.
            denied = await self._dispatcher.check(_moment_call(visit, report, report.moment.value), visit.caller)
            if denied is not None:
                return denied
        event = await self._tell(visit, report, execution_id)
        if report.moment is HookMoment.SESSION_END:
            await self._end_session(visit, report)
        denial = await self._fire(visit, report, event)
        return Passed(execution_id) if denial is None else Blocked(denial.reason)

    async def receive_unreadable(self, visit: Visit, why: str) -> Denied | None:
        """Record that there was a report that nobody can read; or a denial of even that."""
        denied = await self._dispatcher.check(_moment_call(visit, None, "unreadable"), visit.caller)
        if denied is None:
            await self._dispatcher.report(moments.unreadable(self._stamp, visit, why, self._dispatcher.redactor))
        return denied

    async def _decide(self, visit: Visit, report: Report) -> Passed | Denied:
        call = Call(
            server_name=visit.server_name,
            tool_name=report.tool_name or "",
            ids=visit.ids(report),
            method=AGENT_METHOD,
            arguments=report.arguments,
            call_id=report.use_id,
            origin=visit.origin,
        )
        admitted = await self._dispatcher.admit(call, visit.caller)
        await self._tell(visit, report, admitted.execution_id)
        return admitted if isinstance(admitted, Denied) else Passed(admitted.execution_id)

    async def _conclude(self, visit: Visit, report: Report) -> str | None:
        """Record the outcome; give the id of the decision, or None when no call of this session waits for it."""
        status = _OUTCOMES[report.moment]
        failure = INTERRUPTED if report.was_interrupted else TOOL_FAILED
        try:
            if isinstance(await self._dispatcher.sessions.bind(visit.caller, report.session_id), Refused):
                return None
            async with self._calls.reported(self._wanted(visit, report)) as decision:
                if decision is None:
                    return None
                await self._dispatcher.conclude(decision, status, failure if status is ExecutionStatus.FAILED else None)
                return decision.execution_id
        except Unavailable:
            return None  # the moment goes to the spool, and tells what is known

    def _wanted(self, visit: Visit, report: Report) -> ReportedCall:
        redactor = self._dispatcher.redactor
        ids = visit.recorded_ids(report)
        texts = redactor.texts({**ids, "server_name": visit.server_name, "tool_name": report.tool_name})
        return ReportedCall(
            server_name=texts["server_name"] or "",
            tool_name=texts["tool_name"] or "",
            user_id=texts["user_id"],
            context_id=texts["context_id"],
            call_id=redactor.texts({"call_id": report.use_id})["call_id"],
            arguments_digest=redactor.digest(report.arguments),
        )

    async def _tell(self, visit: Visit, report: Report, execution_id: str | None) -> LifecycleReported:
        event = moments.reported(self._stamp, visit, report, execution_id, self._dispatcher.redactor)
        await self._dispatcher.report(event)
        return event

    async def _fire(self, visit: Visit, report: Report, event: LifecycleReported) -> HookDenial | None:
        if self._hooks is None:
            return None
        user_id = visit.caller.user_id if isinstance(visit.caller, Authenticated) else None
        facts = Facts(event.__dict__, user=user_id, server=visit.server_name, tool=report.tool_name)
        return await self._hooks.fire(self._dispatcher.gates.policy, report.moment, facts)

    async def _end_session(self, visit: Visit, report: Report) -> None:
        """Whatever still waits for a report of this session will never get one."""
        if visit.names_context:
            return  # other agents may share that context
        texts = self._dispatcher.redactor.texts(visit.recorded_ids(report))
        try:
            waiting = self._calls.of_session(texts["user_id"], texts["context_id"] or "", ENDED_AT_ONCE)
            async with waiting as orphans, anyio.create_task_group() as endings:
                for orphan in orphans:
                    event = orphaned(self._stamp, orphan, "was not reported on before its agent's session ended")
                    endings.start_soon(self._dispatcher.report, event)
        except Unavailable:
            return  # the sweep comes by later


def _moment_call(visit: Visit, report: Report | None, name: str) -> Call:
    method = f"hooks/{name}"
    return Call(visit.server_name, method, visit.ids(report), Kind.LISTING, method, origin=visit.origin)

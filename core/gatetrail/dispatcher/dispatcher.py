"""The one door that every call passes: decide, record, run, record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio

from gatetrail.call import Call, Ids, Kind
from gatetrail.clock import Clock, IdMaker
from gatetrail.dispatcher import record
from gatetrail.dispatcher.denial import denial
from gatetrail.dispatcher.execution import (
    Admitted,
    Denied,
    Finished,
    NamedFailure,
    Result,
    TimedOut,
    TimeLimitPassed,
)
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.dispatcher.observer import UNOBSERVED, Observer
from gatetrail.errors import AuditUnavailable, Unavailable
from gatetrail.events.fields import Record
from gatetrail.events.model import ManifestListed
from gatetrail.events.stamp import Stamp
from gatetrail.gates.decision import Decision, GateResult
from gatetrail.gates.pipeline import Gates
from gatetrail.identity.caller import Authenticated, Caller, tier_of
from gatetrail.redaction import Redactor
from gatetrail.sessions import Sessions
from gatetrail.words import ExecutionStatus, GateName, Level, ReasonCode

UNRECORDED = "the decision could not be recorded"


def never_failed(_result: object) -> str | None:
    """The judge for handlers whose every result is a success."""
    return None


class Dispatcher:
    """Admits calls, runs their handlers and records both, in this order and no other."""

    def __init__(
        self,
        gates: Gates,
        sessions: Sessions,
        ledger: Ledger,
        stamp: Stamp,
        clock: Clock,
        ids: IdMaker,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self.gates = gates
        """The snapshot in force. Swapped whole; a call keeps the one that it started with."""
        self.sessions = sessions
        self._redaction = sessions.redaction
        self._ledger = ledger
        self._stamp = stamp
        self._clock = clock
        self._ids = ids
        self._observer = observer

    async def dispatch(
        self,
        call: Call,
        caller: Caller,
        handler: Callable[[], Awaitable[Result]],
        judge: Callable[[Result], str | None] = never_failed,
    ) -> Denied | TimedOut | Finished[Result]:
        """Run a handler if, and only if, all gates pass and the allow row is committed.

        `judge` looks at the result: None for a success, else the error class of a failure that the
        handler reported in its result. What the handler raises is recorded as `failed` and goes on to
        the caller of this method, a cancellation too. Every way out has its outcome committed (or spooled) first.
        """
        admitted = await self.admit(call, caller)
        if isinstance(admitted, Denied):
            return admitted
        limit_ms = admitted.decision.time_limit_ms
        results: list[Result] = []
        try:
            with anyio.move_on_after(limit_ms / 1000):
                results.append(await handler())
        except TimeLimitPassed as passed:
            await self.finish(admitted, ExecutionStatus.TIMEOUT, "time_limit")
            return TimedOut(admitted.execution_id, passed.limit_ms)
        except BaseException as problem:
            await self.finish(admitted, ExecutionStatus.FAILED, _class_of(problem))
            raise
        # A handler in a thread runs to its end and returns although its limit is over.
        overran = (self._clock.monotonic_s() - admitted.started_s) * 1000 > limit_ms
        if not results or overran:
            await self.finish(admitted, ExecutionStatus.TIMEOUT, "time_limit")
            return TimedOut(admitted.execution_id, limit_ms)
        error_class = judge(results[0])
        status = ExecutionStatus.FAILED if error_class else ExecutionStatus.SUCCESS
        await self.finish(admitted, status, error_class)
        return Finished(results[0], admitted.execution_id)

    @asynccontextmanager
    async def guard(self, call: Call, caller: Caller) -> AsyncGenerator[Admitted]:
        """Guard a block of the host's own code. Raises `CallDenied` at entry, `TimeoutError` past the limit."""
        admitted = await self.admit(call, caller)
        if isinstance(admitted, Denied):
            raise denial(admitted)
        status, error_class = ExecutionStatus.FAILED, None
        try:
            with anyio.fail_after(admitted.decision.time_limit_ms / 1000):
                yield admitted
            status = ExecutionStatus.SUCCESS
        except TimeoutError:
            status, error_class = ExecutionStatus.TIMEOUT, "time_limit"
            raise
        except BaseException as problem:
            error_class = _class_of(problem)
            raise
        finally:
            await self.finish(admitted, status, error_class)

    async def admit(self, call: Call, caller: Caller) -> Admitted | Denied:
        """Decide and make the decision durable. `Admitted` means: the allow row is committed."""
        gates, began_s = self.gates, self._clock.monotonic_s()
        checked = await self._check(gates, call, caller)
        if isinstance(checked, Denied):
            return checked
        call, bound, decision = checked
        execution_id, redactor = self._ids.new_id(), self._redactor_of(gates)
        event = record.decided(self._stamp, call, bound, decision, execution_id, redactor)
        try:
            await self._ledger.commit(event)
        except AuditUnavailable as problem:
            return await self._audit_denial(Denied(decision, execution_id), call, bound, redactor, problem, began_s)
        self._ledger.counts.allowed += 1
        started_s = self._clock.monotonic_s()
        self._observer.decided(decision, execution_id, started_s - began_s)
        return Admitted(call, bound, decision, event, execution_id, started_s)

    async def finish(self, admitted: Admitted, status: ExecutionStatus, error_class: str | None = None) -> None:
        """Record how an admitted call ended. Cannot be cancelled; falls back to the spool; never raises."""
        latency_s = max(self._clock.monotonic_s() - admitted.started_s, 0.0)
        await self._ledger.commit_or_spool(
            record.completed(self._stamp, admitted.event, status, latency_s * 1000, error_class, self.redactor)
        )
        self._ledger.counts.completed += 1
        self._observer.completed(status, latency_s)

    async def listing(
        self, call: Call, caller: Caller, names: Callable[[], Awaitable[Sequence[str]]], kind: Kind
    ) -> frozenset[str] | Denied:
        """Which of the names this caller may see, recorded as `manifest.listed`; or a denial, recorded as a decision.

        `names` is asked only after the gates have passed the call.
        """
        gates = self.gates
        checked = await self._check(gates, call, caller)
        if isinstance(checked, Denied):
            return checked
        call, bound, decision = checked
        listed = await names()
        shown = frozenset(name for name in listed if gates.visible(bound, call.server_name, kind, name))
        hidden_count = sum(name not in shown for name in listed)
        await self._ledger.commit_or_spool(
            self._listed(call, bound, decision, self._redactor_of(gates), (len(listed) - hidden_count, hidden_count))
        )
        return shown

    async def check(self, call: Call, caller: Caller) -> Denied | None:
        """Decide on something that runs no tool, such as a ping. Only a denial is recorded."""
        checked = await self._check(self.gates, call, caller)
        return checked if isinstance(checked, Denied) else None

    async def _check(self, gates: Gates, call: Call, caller: Caller) -> tuple[Call, Caller, Decision] | Denied:
        """What the gates say of a caller as its sessions bind it. A denial is recorded here."""
        redactor, began_s = self._redactor_of(gates), self._clock.monotonic_s()
        try:
            bound = await self.sessions.bind(caller, call.ids.session_id)
        except Unavailable as problem:
            undone = Denied(self._decide(gates, call, caller), self._ids.new_id())
            return await self._audit_denial(undone, call, caller, redactor, problem, began_s)
        call = _with_ids(call, bound)
        decision = self._decide(gates, call, bound)
        if decision.allowed:
            return call, bound, decision
        denied = Denied(decision, self._ids.new_id())
        event = record.decided(self._stamp, call, bound, decision, denied.execution_id, redactor)
        await self._ledger.commit_or_spool(event)
        return self._noted(denied, began_s)

    def arrival(self, source_ip: str | None) -> GateResult:
        """Counts a request that becomes no call, towards the burst limit of where it came from."""
        return self.gates.scanner.arrival(source_ip, self._clock.monotonic_s())

    async def report(self, event: Record) -> None:
        """Record an event that is no decision on a call. Never raises."""
        await self._ledger.commit_or_spool(event)

    @property
    def redactor(self) -> Redactor:
        """Of the policy in force."""
        return self._redactor_of(self.gates)

    def _redactor_of(self, gates: Gates) -> Redactor:
        return self._redaction.under(gates.policy.document.redaction)

    def _decide(self, gates: Gates, call: Call, caller: Caller) -> Decision:
        return gates.decide(call, caller, self._clock.now_us(), self._clock.monotonic_s())

    def _noted(self, denied: Denied, began_s: float) -> Denied:
        self._ledger.counts.denied += 1
        self._observer.decided(denied.decision, denied.execution_id, self._clock.monotonic_s() - began_s)
        return denied

    async def _audit_denial(
        self, undone: Denied, call: Call, caller: Caller, redactor: Redactor, problem: Unavailable, began_s: float
    ) -> Denied:
        decision = replace(
            undone.decision,
            allowed=False,
            gate=GateName.AUDIT,
            reason_code=ReasonCode.AUDIT_UNAVAILABLE,
            reason=UNRECORDED,
            concealed=False,
        )
        denied = Denied(decision, undone.execution_id)
        # Why may name servers and addresses that are not the caller's business.
        told = replace(decision, reason=f"{UNRECORDED}: {problem}"[:500])
        event = record.decided(self._stamp, call, caller, told, denied.execution_id, redactor)
        await self._ledger.spool(event)
        return self._noted(denied, began_s)

    def _listed(
        self, call: Call, caller: Caller, decision: Decision, redactor: Redactor, counts: tuple[int, int]
    ) -> ManifestListed:
        shown, hidden = counts
        texts = redactor.texts(
            {
                "user_id": caller.user_id if isinstance(caller, Authenticated) else None,
                "session_id": call.ids.session_id,
                "client_id": call.ids.client_id,
                "server_name": call.server_name,
                "method": call.method,
            }
        )
        message = f"{texts['method']} of {texts['server_name']} showed {shown} of {shown + hidden}"
        return ManifestListed.model_validate(
            {
                **self._stamp(Level.INFO, message),
                **texts,
                "trace_id": call.ids.trace_id,
                "actual_tier": tier_of(caller).value,
                "shown_count": shown,
                "hidden_count": hidden,
                "policy_version": decision.policy_version,
            }
        )


def _with_ids(call: Call, caller: Caller) -> Call:
    if not isinstance(caller, Authenticated):
        return call
    ids = call.ids
    merged = Ids(
        trace_id=ids.trace_id,
        span_id=ids.span_id,
        session_id=caller.session_id or ids.session_id or caller.derived_session_id,
        context_id=caller.context_id or ids.context_id,
        client_id=caller.client_id or ids.client_id,
        task_id=ids.task_id,
    )
    return call.with_ids(merged)


def _class_of(problem: BaseException) -> str:
    if isinstance(problem, anyio.get_cancelled_exc_class()):
        return "cancelled"
    return problem.error_class if isinstance(problem, NamedFailure) else type(problem).__name__

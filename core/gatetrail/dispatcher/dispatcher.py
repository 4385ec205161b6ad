"""The one door that every call passes: decide, record, run, record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from gatetrail.call import Call, Kind
from gatetrail.clock import Clock, IdMaker, from_rfc3339
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
from gatetrail.dispatcher.hooking import HookPhase
from gatetrail.dispatcher.judge import Judge, Passed
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.dispatcher.observer import UNOBSERVED, Observer
from gatetrail.errors import AuditUnavailable
from gatetrail.events.fields import Record
from gatetrail.events.model import ManifestListed, ToolCallDecided
from gatetrail.events.stamp import Stamp
from gatetrail.gates.decision import Deny, GateResult
from gatetrail.gates.pipeline import Gates
from gatetrail.hooks import Hooks
from gatetrail.identity.caller import Authenticated, Caller, tier_of
from gatetrail.policy.model import Policy
from gatetrail.rates import SharedRates
from gatetrail.redaction import Redactor
from gatetrail.sessions import Sessions
from gatetrail.words import ExecutionStatus, Level


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
        rates: SharedRates | None = None,
    ) -> None:
        """`rates` belongs to gates whose state says that the rates are shared, and to no others."""
        self._judge = Judge(gates, sessions, ledger, stamp, clock, ids, observer, rates)
        self.sessions = sessions
        self.adopt(gates)
        self._ledger = ledger
        self._stamp = stamp
        self._clock = clock
        self._ids = ids
        self._observer = observer
        self._hooks: HookPhase | None = None

    def hang(self, hooks: Hooks) -> None:
        """From the next call on the policy's hooks are asked and told. Without this they are as if they were not."""
        self._hooks = phase = HookPhase(hooks, self._judge, self._ledger, self._stamp)
        self._judge.on_denial = phase.denied
        self._ledger.on_record = lambda event: phase.recorded(event, self.gates.policy)

    @property
    def gates(self) -> Gates:
        """The snapshot in force; a call keeps the one that it started with."""
        return self._judge.gates

    def prepare(self, policy: Policy) -> Gates:
        """The gates of another policy, over the state of those in force, to be adopted next. Fit for a thread.

        Raises PolicyInvalid for hooks that the service does not allow.
        """
        if self._hooks is not None:
            self._hooks.check(policy)
        gates = self.gates.under(policy)
        self._judge.redactor_under(gates)
        return gates

    def prepare_shadow(self, shadow_policy: Policy | None) -> Gates:
        """The gates in force, beside which another policy is tried, or none; as `prepare` does it."""
        return self.gates.trying(shadow_policy)

    def adopt(self, gates: Gates) -> None:
        """From the next call on these decide; a call on its way ends under what it started with.

        Their state has to be that of the gates before.
        """
        self._judge.gates = gates
        self.sessions.redaction.adopt(gates.policy.document.redaction)

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
        judged = await self._judge.judge(call, caller)
        if isinstance(judged, Denied):
            return judged
        execution_id = self._ids.new_id()
        if self._hooks is not None:
            judged = await self._hooks.asked(judged, execution_id)
            if isinstance(judged, Denied):
                return judged
        call, bound, decision, policy = judged.call, judged.caller, judged.decision, judged.gates.policy
        event = record.decided(self._stamp, call, bound, decision, execution_id, judged.redactor)
        try:
            await self._ledger.commit(event)
        except AuditUnavailable as problem:
            return await self._judge.unrecorded(judged, execution_id, problem)
        self._ledger.counts.allowed += 1
        started_s = self._clock.monotonic_s()
        self._observer.decided(decision, execution_id, started_s - judged.began_s)
        return Admitted(call, bound, decision, event, execution_id, started_s, judged.redactor, policy)

    async def finish(self, admitted: Admitted, status: ExecutionStatus, error_class: str | None = None) -> None:
        """Record how an admitted call ended. Cannot be cancelled; falls back to the spool; never raises."""
        latency_s = max(self._clock.monotonic_s() - admitted.started_s, 0.0)
        event = record.completed(self._stamp, admitted.event, status, latency_s * 1000, error_class, admitted.redactor)
        await self._ledger.commit_or_spool(event)
        self._ledger.counts.completed += 1
        self._observer.completed(status, latency_s)
        if self._hooks is not None:
            self._hooks.ended(admitted, event)

    async def conclude(
        self, decision: ToolCallDecided, status: ExecutionStatus, error_class: str | None = None
    ) -> None:
        """`finish` for a call that an agent runs itself, and that another process may have admitted."""
        latency_s = max(self._clock.now_us() - from_rfc3339(decision.timestamp), 0) / 1_000_000
        event = record.completed(self._stamp, decision, status, latency_s * 1000, error_class, self.redactor)
        await self._ledger.commit_or_spool(event)
        self._ledger.counts.completed += 1
        self._observer.completed(status, latency_s)
        if self._hooks is not None:
            self._hooks.concluded(decision, event, self.gates.policy)

    async def listing(
        self, call: Call, caller: Caller, names: Callable[[], Awaitable[Sequence[str]]], kind: Kind
    ) -> frozenset[str] | Denied:
        """Which of the names this caller may see, recorded as `manifest.listed`; or a denial, recorded as a decision.

        `names` is asked only after the gates have passed the call.
        """
        judged = await self._judge.judge(call, caller)
        if isinstance(judged, Denied):
            return judged
        server_name, visible = judged.call.server_name, judged.gates.visible
        listed = await names()
        shown = frozenset(name for name in listed if visible(judged.caller, server_name, kind, name))
        hidden_count = sum(name not in shown for name in listed)
        await self._ledger.commit_or_spool(self._listed(judged, len(listed) - hidden_count, hidden_count))
        return shown

    async def check(self, call: Call, caller: Caller) -> Denied | None:
        """Decide on something that runs no tool, such as a ping. Only a denial is recorded."""
        judged = await self._judge.judge(call, caller)
        return judged if isinstance(judged, Denied) else None

    def arrival(self, source_ip: str | None) -> GateResult:
        """Counts a request that becomes no call, towards the burst limit of where it came from."""
        return self.gates.scanner.arrival(source_ip, self._clock.monotonic_s())

    def probed(self, caller: Caller | None, source_ip: str | None) -> None:
        """Counts a probe that is no call, towards the lock-out of who sent it."""
        self.gates.scanner.detected(caller, source_ip, self._clock.monotonic_s())

    def kept_out(self, caller: Caller | None, source_ip: str | None) -> tuple[Deny, int | None] | None:
        """For a request that becomes no call: why it is not looked at, or None.

        Beside it, when a report is due, how many such requests there were since the last one.
        """
        scanner, now_s = self.gates.scanner, self._clock.monotonic_s()
        found = scanner.kept_out(caller, source_ip, now_s)
        return (found, scanner.turned_away(caller, source_ip, now_s)) if isinstance(found, Deny) else None

    async def report(self, event: Record) -> None:
        """Record an event that is no decision on a call. Never raises."""
        await self._ledger.commit_or_spool(event)

    @property
    def redactor(self) -> Redactor:
        """Of the policy in force."""
        return self._judge.redactor_under(self.gates)

    def _listed(self, judged: Passed, shown: int, hidden: int) -> ManifestListed:
        call, caller = judged.call, judged.caller
        texts = judged.redactor.texts(
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
                "policy_version": judged.decision.policy_version,
            }
        )


def _class_of(problem: BaseException) -> str:
    if isinstance(problem, anyio.get_cancelled_exc_class()):
        return "cancelled"
    return problem.error_class if isinstance(problem, NamedFailure) else type(problem).__name__

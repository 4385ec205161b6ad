"""What the gates say of a call as its caller's sessions allow it; denials are recorded here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gatetrail.call import Call, Ids
from gatetrail.clock import Clock, IdMaker
from gatetrail.dispatcher import record
from gatetrail.dispatcher.beside import Beside
from gatetrail.dispatcher.execution import Denied
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.dispatcher.observer import Observer
from gatetrail.errors import Unavailable, WrongUse
from gatetrail.events.model import ToolCallDecided
from gatetrail.events.stamp import Stamp
from gatetrail.gates.decision import Decision
from gatetrail.gates.pipeline import Gates
from gatetrail.identity.caller import Authenticated, Caller, Refused
from gatetrail.rates import SharedRates
from gatetrail.redaction import Redactor
from gatetrail.sessions import Sessions
from gatetrail.words import GateName, ReasonCode

UNRECORDED = "the decision could not be recorded"


@dataclass(frozen=True, slots=True)
class Passed:
    """A call that the gates allow, with all that it goes on under. Nothing of it is recorded yet."""

    call: Call
    caller: Caller
    """As his sessions bind him."""
    decision: Decision
    gates: Gates
    """The snapshot that decided, and that counts to the end of the call."""
    redactor: Redactor
    began_s: float
    """On the monotonic clock."""


class Judge:
    """Binds a caller to his sessions and asks the gates in force."""

    def __init__(
        self,
        gates: Gates,
        sessions: Sessions,
        ledger: Ledger,
        stamp: Stamp,
        clock: Clock,
        ids: IdMaker,
        observer: Observer,
        rates: SharedRates | None = None,
    ) -> None:
        if gates.state.rates_are_shared is not (rates is not None):
            raise WrongUse("a state whose rates are shared needs their store, and the other way round")
        self.gates = gates
        """The snapshot in force. Swapped whole; a call keeps the one that it started with."""
        self.on_denial: Callable[[Passed, ToolCallDecided], None] = _nobody
        """Told of each denial that is on record. It must return at once and never raise."""
        self.sessions = sessions
        self._ledger = ledger
        self._stamp = stamp
        self._clock = clock
        self._ids = ids
        self._observer = observer
        self._beside = Beside(clock, ledger.counts)
        self._rates = rates

    async def judge(self, call: Call, caller: Caller) -> Passed | Denied:
        """A call that may go on, or a denial that is recorded already. Never raises on account of what was sent."""
        gates, began_s = self.gates, self._clock.monotonic_s()
        redactor = self.redactor_under(gates)
        try:
            bound = await self.sessions.bind(caller, call.ids.session_id)
        except Unavailable as problem:
            undone = Passed(call, caller, self._decide(gates, call, caller), gates, redactor, began_s)
            return await self.unrecorded(undone, self._ids.new_id(), problem)
        call = _with_ids(call, caller, bound)
        decision = self._decide(gates, call, bound)
        if self._rates is not None and decision.allowed:
            decision = await self._within_rates(self._rates, gates, call, bound, decision)
        decision = self._beside.seen(gates, call, bound, decision)
        passed = Passed(call, bound, decision, gates, redactor, began_s)
        return passed if passed.decision.allowed else await self.denied(passed, self._ids.new_id())

    def redactor_under(self, gates: Gates) -> Redactor:
        """Of the policy of these gates."""
        return self.sessions.redaction.under(gates.policy.document.redaction)

    async def unrecorded(self, undone: Passed, execution_id: str, problem: Unavailable) -> Denied:
        """No durable row, no call: the denial goes to the spool."""
        decision = replace(
            undone.decision,
            allowed=False,
            gate=GateName.AUDIT,
            reason_code=ReasonCode.AUDIT_UNAVAILABLE,
            reason=UNRECORDED,
            concealed=False,
        )
        # Why may name servers and addresses that are not the caller's business.
        told = replace(decision, reason=f"{UNRECORDED}: {problem}"[:500])
        event = record.decided(self._stamp, undone.call, undone.caller, told, execution_id, undone.redactor)
        await self._ledger.spool(event)
        self.on_denial(undone, event)
        return self._noted(Denied(decision, execution_id), undone.began_s)

    async def denied(self, judged: Passed, execution_id: str) -> Denied:
        """Record a denial. Cannot be cancelled; falls back to the spool; never raises."""
        denied = Denied(judged.decision, execution_id)
        event = record.decided(self._stamp, judged.call, judged.caller, judged.decision, execution_id, judged.redactor)
        await self._ledger.commit_or_spool(event)
        self.on_denial(judged, event)
        return self._noted(denied, judged.began_s)

    def _decide(self, gates: Gates, call: Call, caller: Caller) -> Decision:
        return gates.decide(call, caller, self._clock.now_us(), self._clock.monotonic_s())

    @staticmethod
    async def _within_rates(
        rates: SharedRates, gates: Gates, call: Call, caller: Caller, allowed: Decision
    ) -> Decision:
        wait_ms = await rates.take(gates.takings(call, caller))
        return allowed if wait_ms == 0 else gates.limited(call, caller, allowed, wait_ms)

    def _noted(self, denied: Denied, began_s: float) -> Denied:
        self._ledger.counts.denied += 1
        self._observer.decided(denied.decision, denied.execution_id, self._clock.monotonic_s() - began_s)
        return denied


def _nobody(judged: Passed, event: ToolCallDecided) -> None:
    """The default: nobody is told."""


def _with_ids(call: Call, asked: Caller, bound: Caller) -> Call:
    """Who is refused by a session of his own naming is on record with that session."""
    caller = asked if isinstance(bound, Refused) else bound
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

"""The four gates in their order: scope, scanner, blocklist, rate. The first that denies decides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from gatetrail.call import Call, Endpoint, Kind
from gatetrail.gates.blocklist import Blocklist
from gatetrail.gates.decision import (
    Decision,
    Deny,
    GateName,
    GateOutcome,
    ReasonCode,
    Verdict,
)
from gatetrail.gates.rate import STORE_AWAY, RateGate
from gatetrail.gates.scanner import Scanner
from gatetrail.gates.scope import check_scope, reaches, unknown_server
from gatetrail.gates.shadow import Shadow
from gatetrail.gates.state import GateState
from gatetrail.identity.caller import Caller, Refused, tier_of
from gatetrail.identity.tiers import Tier
from gatetrail.limits import Taking
from gatetrail.policy.model import Policy
from gatetrail.policy.resolve import Resolved, Resolver
from gatetrail.policy.shadow import enforced, promoted

__all__ = ["ALLOWED_REASON", "OUTCOMES", "GateState", "Gates"]

_PASS, _DENY, _SKIPPED = GateOutcome.PASS, GateOutcome.DENY, GateOutcome.SKIPPED

OUTCOMES: dict[GateName, tuple[GateOutcome, GateOutcome, GateOutcome, GateOutcome]] = {
    GateName.SCOPE: (_DENY, _SKIPPED, _SKIPPED, _SKIPPED),
    GateName.SCANNER: (_PASS, _DENY, _SKIPPED, _SKIPPED),
    GateName.BLOCKLIST: (_PASS, _PASS, _DENY, _SKIPPED),
    GateName.RATE_LIMIT: (_PASS, _PASS, _PASS, _DENY),
    GateName.NONE: (_PASS, _PASS, _PASS, _PASS),
}
"""What the four did, by who denied."""

AHEAD = (_SKIPPED, _DENY, _SKIPPED, _SKIPPED)
"""The same where the scanner denied ahead of all others. There is no other combination."""

ALLOWED_REASON = "all gates passed"


class Gates:
    """The gates of one policy snapshot over a state that outlives it.

    Pure apart from that state: no I/O, no clock but the stopwatch that measures the decision itself.
    Not safe to call from several threads at once.
    """

    def __init__(
        self,
        policy: Policy,
        state: GateState,
        stopwatch_ns: Callable[[], int] = time.perf_counter_ns,
        *,
        shadow_policy: Policy | None = None,
    ) -> None:
        """`shadow_policy` is decided beside this one and only recorded, as is what is marked `shadow` in this one."""
        document = enforced(policy.document)
        self.policy = policy
        self.shadow_policy = shadow_policy
        self.state = state
        self.scanning = document.scanner
        self.scanner = Scanner(document.scanner, state)
        """Also for HTTP requests that are no calls: `inspect` and `arrival`."""
        self._stopwatch_ns = stopwatch_ns
        self._version = policy.version
        self._default_time_limit_ms = document.default_time_limit_ms
        self._resolver = Resolver(document)
        self._blocklist = Blocklist(document.blocklist)
        self._rate = RateGate(document.rate_limits, state)
        self._shadows = tuple(_shadows(self))

    def under(self, policy: Policy) -> Gates:
        """The gates of another policy over the same state, beside which the same is tried."""
        return Gates(policy, self.state, self._stopwatch_ns, shadow_policy=self.shadow_policy)

    def trying(self, shadow_policy: Policy | None) -> Gates:
        """The same gates over the same state, beside which another policy is tried, or none."""
        return Gates(self.policy, self.state, self._stopwatch_ns, shadow_policy=shadow_policy)

    def decide(self, call: Call, caller: Caller, now_us: int, now_s: float) -> Decision:
        """Allow, or deny by exactly one gate. Never raises on account of what a caller sent.

        `now_us` is the calendar's time in microseconds since 1970, for expiries; `now_s` a stopwatch's
        in seconds, for rates and bursts. Only an allowed call takes a token from its bucket.
        """
        started_ns = self._stopwatch_ns()
        resolved = self._resolver.resolve(call.server_name, call.kind, _name_of(call))
        gate, result = self._first_denial(call, caller, resolved, now_us, now_s)
        return self._decision(call, caller, resolved, gate, result, started_ns)

    @property
    def has_shadows(self) -> bool:
        """False when there is nothing to be decided beside."""
        return bool(self._shadows)

    def beside(self, call: Call, caller: Caller, decision: Decision, now_us: int, now_s: float) -> Verdict | None:
        """What the shadows would have said instead of this decision of all gates, that of the rate among them.

        To be called once for each decision; None when they would have said the same. A whole policy goes before single
        entries. May raise whatever a mistake of ours makes it raise: nothing may depend on it.
        """
        verdicts = [shadow.look(call, caller, decision, now_us, now_s) for shadow in self._shadows]
        return next(filter(None, verdicts), None)

    def takings(self, call: Call, caller: Caller) -> Sequence[Taking]:
        """What an allowed call takes of the shared store of the rates; for a state that says that they are shared."""
        resolved = self._resolver.resolve(call.server_name, call.kind, _name_of(call))
        return self._rate.takings(call, caller, resolved) if resolved else ()

    def limit_reason(self, call: Call, caller: Caller) -> str:
        """What is said to a call that is one too many; empty where the policy knows no such server."""
        resolved = self._resolver.resolve(call.server_name, call.kind, _name_of(call))
        return self._rate.denial(caller, resolved, 0).reason if resolved else ""

    def limited(self, call: Call, caller: Caller, allowed: Decision, wait_ms: int | None) -> Decision:
        """The denial that an allowed call comes to when the store has nothing for it; None: it does not answer."""
        resolved = self._resolver.resolve(call.server_name, call.kind, _name_of(call))
        denial = STORE_AWAY
        if wait_ms is not None and resolved is not None:
            denial = self._rate.denial(caller, resolved, wait_ms)
        return replace(
            allowed,
            allowed=False,
            gate=GateName.RATE_LIMIT,
            reason_code=denial.reason_code,
            reason=denial.reason,
            rate_limit=_DENY,
            retry_after_ms=denial.retry_after_ms,
        )

    def visible(self, caller: Caller, server_name: str, kind: Kind, name: str) -> bool:
        """Whether a list may show this name. Depends on nothing but the policy and the caller's proof."""
        resolved = self._resolver.resolve(server_name, kind, name)
        return resolved is not None and reaches(caller, resolved)

    def _first_denial(
        self, call: Call, caller: Caller, resolved: Resolved | None, now_us: int, now_s: float
    ) -> tuple[GateName, Deny | None]:
        result = self.scanner.locked_out(call, caller, now_s)
        if isinstance(result, Deny):
            return GateName.SCANNER, result
        if resolved is None:
            return self._out_of_scope(call, caller, unknown_server(call, caller), now_s)
        result = check_scope(call, caller, resolved)
        if isinstance(result, Deny):
            return self._out_of_scope(call, caller, result, now_s)
        result = self.scanner.check(call, caller, now_s)
        if isinstance(result, Deny):
            return GateName.SCANNER, result
        if call.kind is not Kind.LISTING:
            result = self._blocklist.check(call, caller, resolved.data_domains, now_us)
            if isinstance(result, Deny):
                return GateName.BLOCKLIST, result
        result = self._rate.check(call, caller, resolved, now_s)
        if isinstance(result, Deny):
            return GateName.RATE_LIMIT, result
        return GateName.NONE, None

    def _out_of_scope(self, call: Call, caller: Caller, refusal: Deny, now_s: float) -> tuple[GateName, Deny]:
        flood = self.scanner.refused(call, caller, refusal, now_s)
        return (GateName.SCANNER, flood) if isinstance(flood, Deny) else (GateName.SCOPE, refusal)

    def _decision(
        self,
        call: Call,
        caller: Caller,
        resolved: Resolved | None,
        gate: GateName,
        denial: Deny | None,
        started_ns: int,
    ) -> Decision:
        ahead = denial is not None and denial.before_scope
        scope, scanner, blocklist, rate_limit = AHEAD if ahead else OUTCOMES[gate]
        tier = tier_of(caller)
        return Decision(
            allowed=denial is None,
            gate=gate,
            reason_code=denial.reason_code if denial else ReasonCode.ALLOWED,
            reason=denial.reason if denial else ALLOWED_REASON,
            scope=scope,
            scanner=scanner,
            blocklist=blocklist,
            rate_limit=rate_limit,
            policy_version=self._version,
            required_tier=None if ahead else _required_tier(call, resolved),
            actual_tier=tier,
            rate_limit_tier=tier,
            decision_us=(self._stopwatch_ns() - started_ns) // 1000,
            time_limit_ms=resolved.time_limit_ms if resolved else self._default_time_limit_ms,
            endpoint=resolved.endpoint.value if resolved else Endpoint.MCP.value,
            data_domains=resolved.data_domains if resolved else (),
            rule_id=denial.rule_id if denial else None,
            retry_after_ms=denial.retry_after_ms if denial else None,
            concealed=gate is GateName.SCOPE and _is_concealed(call, caller, resolved, denial),
        )


def _shadows(gates: Gates) -> Iterator[Shadow]:
    """What is to be decided beside these gates: the whole policy first."""
    policy, tried = gates.policy, gates.shadow_policy
    if tried is not None:
        document = enforced(tried.document)
        beside = Gates(tried.model_copy(update={"document": document}), gates.state.beside("policy"))
        yield Shadow(beside, gates, tried.version)
    if (marked := promoted(policy.document)) is not None:
        beside = Gates(policy.model_copy(update={"document": marked}), gates.state.beside("entries"))
        yield Shadow(beside, gates, None)


def _name_of(call: Call) -> str:
    return call.method if call.kind is Kind.METHOD else call.tool_name


def _required_tier(call: Call, resolved: Resolved | None) -> Tier | None:
    if resolved is None or (call.kind is Kind.METHOD and not resolved.listed):
        return None
    return Tier.ANONYMOUS if call.kind is Kind.LISTING else resolved.tier


def _is_concealed(call: Call, caller: Caller, resolved: Resolved | None, denial: Deny | None) -> bool:
    """Whether a scope denial must look like that of a name that does not exist.

    A caller whose proof reaches the tool knows of it from the list; his session's lower tier is told openly.
    """
    if isinstance(caller, Refused) or resolved is None or denial is None:
        return False
    if denial.reason_code is ReasonCode.UNKNOWN_TOOL:
        return True
    is_method = call.kind is Kind.METHOD
    return resolved.conceal and not is_method and not reaches(caller, resolved)

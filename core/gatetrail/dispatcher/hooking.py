"""Where hooks of the policy come into a call: asked between the gates and the decision's row, told after the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio

from gatetrail.call import Call, Kind
from gatetrail.dispatcher import record
from gatetrail.dispatcher.execution import Admitted, Denied
from gatetrail.dispatcher.judge import Judge, Passed
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.errors import AuditUnavailable
from gatetrail.events.fields import ID_KEYS, Record
from gatetrail.events.model import LifecycleReported, ToolCallCompleted, ToolCallDecided
from gatetrail.events.stamp import Stamp
from gatetrail.hooks import Facts, HookDenial, Hooks
from gatetrail.identity.caller import Authenticated, Caller
from gatetrail.policy.hooks import HookDecision, HookMoment
from gatetrail.policy.model import Policy
from gatetrail.words import ExecutionStatus, GateName, Level, ReasonCode

UNDECIDED = frozenset({"decision", "gate", "reason_code", "reason", "execution_status", "decision_us", "message"})
"""Keys of a decision that is not made yet."""

CALLER_WENT = "the caller went away while a hook was asked"


class HookPhase:
    """One for a dispatcher. A call that no hook is for costs a look."""

    def __init__(self, hooks: Hooks, judge: Judge, ledger: Ledger, stamp: Stamp) -> None:
        self._hooks = hooks
        self._judge = judge
        self._ledger = ledger
        self._stamp = stamp

    async def asked(self, judged: Passed, execution_id: str) -> Passed | Denied:
        """The call, when every hook that it concerns passes it; else its denial, which is recorded already.

        Before any hook runs, `lifecycle.pre_tool_use` is durable: nothing happens outside that is not on record.
        """
        policy = judged.gates.policy
        if not policy.document.hooks or judged.call.kind is Kind.LISTING:
            return judged
        facts = _facts(judged.call, judged.caller, {})
        hooks = self._hooks.matching(policy, HookMoment.PRE_TOOL_USE, facts)
        if not hooks:
            return judged
        planned = record.decided(
            self._stamp, judged.call, judged.caller, judged.decision, execution_id, judged.redactor
        )
        moment = _moment(self._stamp, planned)
        try:
            await self._ledger.commit(moment)
        except AuditUnavailable as problem:
            return await self._judge.unrecorded(judged, execution_id, problem)
        try:
            denial = await self._hooks.run(hooks, replace(facts, keys=_before(planned, moment)), policy)
        except anyio.get_cancelled_exc_class():
            gone = HookDenial("", ReasonCode.HOOK_FAILED, CALLER_WENT)
            await self._judge.denied(_denied(judged, gone), execution_id)
            raise
        return judged if denial is None else await self._judge.denied(_denied(judged, denial), execution_id)

    def ended(self, admitted: Admitted, outcome: ToolCallCompleted) -> None:
        """An admitted call has ended, and that is on record. Never raises, never waits."""
        if admitted.policy.document.hooks:
            facts = _facts(admitted.call, admitted.caller, _after(admitted.event, outcome))
            self._hooks.tell(admitted.policy, _moment_after(outcome), facts)

    def concluded(self, decision: ToolCallDecided, outcome: ToolCallCompleted, policy: Policy) -> None:
        """The same for a call that an agent runs itself, of which no more is known here than what was recorded."""
        if policy.document.hooks:
            known = Facts(
                _after(decision, outcome), decision.user_id, server=decision.server_name, tool=decision.tool_name
            )
            self._hooks.tell(policy, _moment_after(outcome), known)

    def denied(self, judged: Passed, event: ToolCallDecided) -> None:
        """A call was denied, and that is on record. Never raises, never waits."""
        policy = judged.gates.policy
        if not policy.document.hooks or judged.call.kind is Kind.LISTING:
            return
        facts = _facts(judged.call, judged.caller, event.__dict__)
        facts = replace(facts, decision=HookDecision.DENY, gate=event.gate)
        self._hooks.tell(policy, HookMoment.POST_TOOL_USE_FAILURE, facts)

    def recorded(self, event: Record, policy: Policy) -> None:
        """Anything else was recorded. Never raises, never waits."""
        if policy.document.hooks:
            self._hooks.recorded(event, policy)

    def check(self, policy: Policy) -> None:
        """Raises PolicyInvalid for a policy whose hooks the service does not allow."""
        self._hooks.check(policy)


def _facts(call: Call, caller: Caller, keys: Mapping[str, Any]) -> Facts:
    user = caller.user_id if isinstance(caller, Authenticated) else None
    tool = call.method if call.kind is Kind.METHOD else call.tool_name
    return Facts(keys, user=user, server=call.server_name, tool=tool, kind=call.kind)


def _moment(stamp: Stamp, planned: ToolCallDecided) -> LifecycleReported:
    words = f"{planned.method} {planned.server_name}/{planned.tool_name} is put to the hooks of the policy"
    return LifecycleReported.model_validate(
        {
            **stamp(Level.INFO, words),
            **{name: getattr(planned, name) for name in (*ID_KEYS, "execution_id", "server_name", "tool_name")},
            "event_name": f"lifecycle.{HookMoment.PRE_TOOL_USE}",
        }
    )


def _before(planned: ToolCallDecided, moment: LifecycleReported) -> dict[str, Any]:
    known = {key: value for key, value in planned.__dict__.items() if key not in UNDECIDED}
    return known | {"event_id": moment.event_id, "timestamp": moment.timestamp}


def _after(decision: ToolCallDecided, outcome: ToolCallCompleted) -> dict[str, Any]:
    return {**decision.__dict__, **{key: value for key, value in outcome.__dict__.items() if value is not None}}


def _moment_after(outcome: ToolCallCompleted) -> HookMoment:
    succeeded = outcome.execution_status is ExecutionStatus.SUCCESS
    return HookMoment.POST_TOOL_USE if succeeded else HookMoment.POST_TOOL_USE_FAILURE


def _denied(judged: Passed, denial: HookDenial) -> Passed:
    decision = replace(
        judged.decision,
        allowed=False,
        gate=GateName.HOOK,
        reason_code=denial.reason_code,
        reason=denial.reason,
        rule_id=denial.hook_id or None,
        retry_after_ms=None,
        concealed=False,
    )
    return replace(judged, decision=decision)

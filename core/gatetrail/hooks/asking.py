"""Asks a hook, records what became of it, and gives what counts."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from gatetrail.call import MAX_SENTENCE_BYTES, clean
from gatetrail.clock import Clock
from gatetrail.events.fields import Record
from gatetrail.events.stamp import Stamp
from gatetrail.hooks import reports
from gatetrail.hooks.answers import Denies, HookFailure, one_line
from gatetrail.hooks.facts import Facts
from gatetrail.hooks.outside import Outside
from gatetrail.hooks.payload import payload_of
from gatetrail.hooks.tallies import HookOutcome, HookTallies
from gatetrail.policy.hooks import Hook, OnFailure
from gatetrail.redaction import Redactor
from gatetrail.words import ReasonCode

log = logging.getLogger("gatetrail.hooks")

CALLER_WENT = "whoever had asked went away before there was an answer"


@dataclass(frozen=True, slots=True)
class HookDenial:
    """A hook says no, or gives no answer where the policy takes that for a no."""

    hook_id: str
    reason_code: ReasonCode
    """`hook_denied` or `hook_failed`."""
    reason: str
    """A sentence for people: redacted, cleaned, and as long as a record takes it."""


class Asking:
    """One for a process."""

    def __init__(
        self,
        outside: Outside,
        record: Callable[[Record], Awaitable[object]],
        stamp: Stamp,
        clock: Clock,
        tallies: HookTallies,
    ) -> None:
        self._outside = outside
        self._record = record
        self._stamp = stamp
        self._clock = clock
        self._tallies = tallies

    async def ask(self, hook: Hook, facts: Facts, redactor: Redactor) -> HookDenial | None:
        """None: it passes, or its failure does. A cancellation ends the run, is recorded, and goes on."""
        began_s = self._clock.monotonic_s()
        try:
            with anyio.fail_after(hook.time_limit_ms / 1000):
                answer = await self._outside.ask(hook, payload_of(hook, facts), facts.keys["event_id"])
        except TimeoutError:
            return await self._failed(hook, facts, f"no answer within {hook.time_limit_ms} ms", began_s)
        except HookFailure as problem:
            return await self._failed(hook, facts, str(problem), began_s)
        except anyio.get_cancelled_exc_class():
            await self._failed(hook, facts, CALLER_WENT, began_s)
            raise
        except Exception as problem:
            # The moment is on record: whatever goes wrong now has to end in a decision.
            log.exception("a run of hook %s broke off", hook.id)
            return await self._failed(hook, facts, f"it broke off: {type(problem).__name__}", began_s)
        if isinstance(answer, Denies):
            return await self._denied(hook, facts, told_reason(hook, answer.reason, redactor), began_s)
        await self._passed(hook, facts, began_s)
        return None

    async def _passed(self, hook: Hook, facts: Facts, began_s: float) -> None:
        event = reports.ran(self._stamp, hook, facts.keys, self._since(began_s))
        await self._note(hook, HookOutcome.PASSED, event, began_s)

    async def _denied(self, hook: Hook, facts: Facts, reason: str, began_s: float) -> HookDenial:
        event = reports.ran(self._stamp, hook, facts.keys, self._since(began_s), reason)
        await self._note(hook, HookOutcome.DENIED, event, began_s)
        return HookDenial(hook.id, ReasonCode.HOOK_DENIED, reason)

    async def _failed(self, hook: Hook, facts: Facts, reason: str, began_s: float) -> HookDenial | None:
        event = reports.failed(self._stamp, hook, facts.keys, reason)
        await self._note(hook, HookOutcome.FAILED, event, began_s)
        return failure_of(hook)

    async def _note(self, hook: Hook, outcome: HookOutcome, event: Record, began_s: float) -> None:
        self._tallies.add(hook.event, outcome, self._since(began_s))
        await self._record(event)

    def _since(self, began_s: float) -> float:
        return self._clock.monotonic_s() - began_s


def failure_of(hook: Hook) -> HookDenial | None:
    """What a failure counts for. Why it failed may name what is not the caller's business: that is in `hook.failed`."""
    if hook.on_failure is OnFailure.ALLOW:
        return None
    return HookDenial(hook.id, ReasonCode.HOOK_FAILED, f"the hook {hook.id} has to agree, and gave no answer")


def told_reason(hook: Hook, reason: str, redactor: Redactor) -> str:
    """A reason of somebody else, as it may be recorded and told."""
    told = redactor.texts({"reason": one_line(reason)})["reason"] if reason else None
    return clean(told or f"the hook {hook.id} says no", MAX_SENTENCE_BYTES)

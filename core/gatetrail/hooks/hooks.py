"""The one thing that others hold of this package."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gatetrail.clock import Clock
from gatetrail.events.fields import Record
from gatetrail.events.model import SessionEnded, SessionStarted
from gatetrail.events.stamp import Stamp
from gatetrail.hooks.asking import Asking, HookDenial
from gatetrail.hooks.facts import Facts
from gatetrail.hooks.matching import Matching
from gatetrail.hooks.outside import Outside
from gatetrail.hooks.tallies import HookTallies
from gatetrail.hooks.telling import Telling
from gatetrail.policy.hooks import Hook, HookMoment
from gatetrail.policy.model import Policy
from gatetrail.policy.permits import check_permits
from gatetrail.redaction import Redaction

NONE: tuple[Hook, ...] = ()


@dataclass(frozen=True, slots=True)
class HookLimits:
    """How much waits, and for how long."""

    max_waiting: int = 1_000
    """For each hook that is told."""
    drain_s: float = 2.0
    """How long those that are told may go on at the end."""


class Hooks:
    """The hooks of whatever policy a call is under. Made once for a process; closed at its end."""

    def __init__(
        self,
        outside: Outside,
        record: Callable[[Record], Awaitable[object]],
        redaction: Redaction,
        stamp: Stamp,
        clock: Clock,
        limits: HookLimits,
    ) -> None:
        self.tallies = HookTallies()
        self._outside = outside
        self._redaction = redaction
        self._drain_s = limits.drain_s
        self._asking = Asking(outside, record, stamp, clock, self.tallies)
        self._telling = Telling(outside, record, stamp, clock, self.tallies, limits.max_waiting)
        self._matching = self._matching_before = Matching(NONE)

    @property
    def waiting(self) -> int:
        """How many runs wait for their turn."""
        return self._outside.waiting + self._telling.waiting

    def matching(self, policy: Policy, moment: HookMoment, facts: Facts) -> Sequence[Hook]:
        """The hooks that a moment concerns, in the order of the file."""
        hooks = policy.document.hooks
        if not hooks:
            return NONE
        if hooks is not self._matching.hooks:
            self._matching, self._matching_before = self._other(hooks), self._matching
        return self._matching.of(moment, facts)

    def check(self, policy: Policy) -> None:
        """Raises PolicyInvalid for a policy whose hooks the service does not allow."""
        check_permits(policy, self._outside.permits)

    async def fire(self, policy: Policy, moment: HookMoment, facts: Facts) -> HookDenial | None:
        """Run what hangs on a moment that is recorded already; the first that denies ends it.

        A denial can come of `pre_tool_use` and `user_prompt_submit` only; hooks on other moments are queued, and
        this returns at once. Not for tool calls that the dispatcher admits: for these it does so itself.
        """
        return await self.run(self.matching(policy, moment, facts), facts, policy)

    async def run(self, hooks: Sequence[Hook], facts: Facts, policy: Policy) -> HookDenial | None:
        """The same for hooks that were found already."""
        for hook in hooks:
            if not hook.decides:
                self._telling.tell(hook, facts)
                continue
            redactor = self._redaction.under(policy.document.redaction)
            denial = await self._asking.ask(hook, facts, redactor)
            if denial is not None:
                return denial
        return None

    def tell(self, policy: Policy, moment: HookMoment, facts: Facts) -> None:
        """Queue what hangs on a moment that has passed. Never raises, never waits."""
        for hook in self.matching(policy, moment, facts):
            self._telling.tell(hook, facts)

    def recorded(self, event: Record, policy: Policy) -> None:
        """Told of every event that is no decision and no outcome: sessions begin and end so."""
        if isinstance(event, SessionStarted):
            self.tell(policy, HookMoment.SESSION_START, _of_session(event))
        elif isinstance(event, SessionEnded):
            self.tell(policy, HookMoment.SESSION_END, _of_session(event))

    def _other(self, hooks: Sequence[Hook]) -> Matching:
        # While the policy changes, calls under the one before are still on their way.
        return self._matching_before if hooks is self._matching_before.hooks else Matching(hooks)

    async def close(self) -> None:
        """End all runs; what was queued gets some time. Not to be used any more."""
        await self._telling.close(self._drain_s)
        await self._outside.close()


def _of_session(event: SessionStarted | SessionEnded) -> Facts:
    return Facts(event.__dict__, user=event.user_id)

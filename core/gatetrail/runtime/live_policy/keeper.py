"""Puts policies in one role, one at a time, with an event for each."""

from __future__ import annotations

from gatetrail.clock import Clock
from gatetrail.errors import PolicyInvalid
from gatetrail.gates.pipeline import Gates
from gatetrail.policy.differences import differences
from gatetrail.policy.model import Policy
from gatetrail.policy.standing import Adopted, Standing, Unchanged
from gatetrail.runtime.live_policy.exchange import Exchange
from gatetrail.runtime.live_policy.file import in_thread
from gatetrail.runtime.live_policy.roles import Role


class PolicyKeeper:
    """The policy in force in this process, or the one that is tried in it."""

    def __init__(self, role: Role, exchange: Exchange, clock: Clock, policy: Policy) -> None:
        """`policy` has the role already."""
        self.standing = Standing(policy, clock.now_us())
        self._role = role
        self._exchange = exchange
        self._clock = clock

    async def adopt(self, policy: Policy, user_id: str | None = None) -> Adopted | Unchanged:
        """Put a policy in the role and record it; nothing of that when its content has it already.

        Raises PolicyInvalid, or what making its gates raises; then the policy before stays.
        """
        async with self._exchange.turn:
            before = self.standing
            if policy.version == before.policy.version:
                return Unchanged(before)
            gates, changes = await in_thread(lambda: self._prepared(before.policy, policy))
            event = self._role.changed(gates, before, changes, self._exchange.recorded(user_id))

            def then() -> None:
                self.standing = Standing(policy, self._clock.now_us(), before.policy.version, changes)
                self._role.follows(before.policy, policy)

            await self._exchange.put(gates, event, then)
            return Adopted(self.standing)

    async def refuse(self, problem: PolicyInvalid, user_id: str | None = None) -> None:
        """Record that a file cannot be used."""
        event = self._role.rejected(problem, self.standing, self._exchange.recorded(user_id))
        await self._exchange.report(event)

    def _prepared(self, old: Policy, new: Policy) -> tuple[Gates, tuple[str, ...]]:
        return self._role.prepare(new), differences(old.document, new.document)

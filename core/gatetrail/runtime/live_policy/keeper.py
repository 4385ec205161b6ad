"""Puts policies in force, one at a time, with an event for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gatetrail.clock import Clock
from gatetrail.dispatcher import Dispatcher
from gatetrail.errors import PolicyInvalid
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates
from gatetrail.policy.differences import differences
from gatetrail.policy.model import Policy
from gatetrail.policy.standing import Adopted, Standing, Unchanged
from gatetrail.runtime.live_policy import told
from gatetrail.runtime.live_policy.file import in_thread

TOLD_FIRST_S = 0.1
"""The event stands in the journal before the first decision under its policy, unless that takes longer than this."""

OnChange = Callable[[Policy, Policy], None]
"""Called with the policy before and the one now in force."""


class PolicyKeeper:
    """The policy in force in this process. What it stands for is swapped by `Dispatcher.adopt` and by nobody else."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        stamp: Stamp,
        clock: Clock,
        on_change: OnChange,
        check: Callable[[Policy], None] = lambda _policy: None,
    ) -> None:
        """`check` raises PolicyInvalid for a policy that this process cannot carry out."""
        self._check = check
        self.standing = Standing(dispatcher.gates.policy, clock.now_us())
        self._dispatcher = dispatcher
        self._stamp = stamp
        self._clock = clock
        self._on_change = on_change
        self._changing = asyncio.Lock()

    async def adopt(self, policy: Policy, user_id: str | None = None) -> Adopted | Unchanged:
        """Put a policy in force and record it; nothing of that when its content is the one in force.

        Raises PolicyInvalid, or what making its gates raises; then the policy before stays in force.
        """
        async with self._changing:
            before = self.standing
            if policy.version == before.policy.version:
                return Unchanged(before)
            gates, changes = await in_thread(lambda: self._prepared(before.policy, policy))
            event = told.changed(self._stamp, policy, before, changes, self._recorded(user_id))
            telling = asyncio.ensure_future(self._dispatcher.report(event))
            try:
                await asyncio.wait([telling], timeout=TOLD_FIRST_S)
                self._dispatcher.adopt(gates)
                self.standing = Standing(policy, self._clock.now_us(), before.policy.version, changes)
                self._on_change(before.policy, policy)
            finally:
                await telling
            return Adopted(self.standing)

    async def refuse(self, problem: PolicyInvalid, user_id: str | None = None) -> None:
        """Record that a file cannot be used."""
        event = told.rejected(self._stamp, problem, self.standing.policy, self._recorded(user_id))
        await self._dispatcher.report(event)

    def _prepared(self, old: Policy, new: Policy) -> tuple[Gates, tuple[str, ...]]:
        self._check(new)
        return self._dispatcher.prepare(new), differences(old.document, new.document)

    def _recorded(self, user_id: str | None) -> str | None:
        return self._dispatcher.redactor.texts({"user_id": user_id})["user_id"] if user_id else None

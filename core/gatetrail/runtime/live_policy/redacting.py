"""For a process that decides nothing: of the policy file it follows what must not stand in the record."""

from __future__ import annotations

from pathlib import Path

from gatetrail.clock import Clock
from gatetrail.errors import PolicyInvalid
from gatetrail.policy.load import load_policy
from gatetrail.policy.model import Policy
from gatetrail.policy.standing import Adopted, Standing, Unchanged
from gatetrail.redaction import Redaction
from gatetrail.runtime.live_policy.file import PolicyFile, in_thread
from gatetrail.runtime.live_policy.follower import PolicyFollower
from gatetrail.runtime.live_policy.watch import PolicyWatch


async def follow_redaction(path: Path, redaction: Redaction, clock: Clock) -> None:
    """Have what the file holds applied, until cancelled. A file that cannot be used is told of in the log.

    Those who decide under the same file record that it changed or was refused. Raises PolicyInvalid for the first look.
    """
    file, policy = PolicyFile(path), await in_thread(lambda: load_policy(path))
    redaction.adopt(policy.document.redaction)
    await PolicyWatch(file, PolicyFollower(file, RedactionKeeper(redaction, clock, policy)).follow).run()


class RedactionKeeper:
    """`Keeper` of a redaction alone."""

    def __init__(self, redaction: Redaction, clock: Clock, policy: Policy) -> None:
        self.standing = Standing(policy, clock.now_us())
        self._redaction = redaction
        self._clock = clock

    async def adopt(self, policy: Policy, user_id: str | None = None) -> Adopted | Unchanged:  # noqa: ARG002 -- nobody asks
        """Apply its redaction to all that is recorded from now on."""
        if policy.version == self.standing.policy.version:
            return Unchanged(self.standing)
        rules = policy.document.redaction
        await in_thread(lambda: self._redaction.under(rules))
        self._redaction.adopt(rules)
        self.standing = Standing(policy, self._clock.now_us(), self.standing.policy.version)
        return Adopted(self.standing)

    async def refuse(self, problem: PolicyInvalid, user_id: str | None = None) -> None:
        """The log has it already."""

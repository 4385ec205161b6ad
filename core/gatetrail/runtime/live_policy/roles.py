"""What a policy can be for a process: the one that decides, or one that is only tried beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gatetrail.dispatcher import Dispatcher
from gatetrail.errors import PolicyInvalid
from gatetrail.events.model import PolicyChanged, PolicyRejected
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates
from gatetrail.policy.model import Policy
from gatetrail.policy.standing import Standing
from gatetrail.runtime.live_policy import told

OnChange = Callable[[Policy, Policy], None]
"""Called with the policy before and the one now in force."""


class Role(Protocol):
    """One of the two, for `PolicyKeeper`."""

    def prepare(self, policy: Policy) -> Gates:
        """Gates in which this policy has the role, and everything else is as it is. Runs in a thread.

        Raises PolicyInvalid for a policy that this process cannot carry out.
        """
        ...

    def changed(self, gates: Gates, previous: Standing, changes: tuple[str, ...], user_id: str | None) -> PolicyChanged:
        """The event of such gates."""
        ...

    def rejected(self, problem: PolicyInvalid, standing: Standing, user_id: str | None) -> PolicyRejected:
        """The event of a file that cannot be used; `standing` goes on."""
        ...

    def follows(self, before: Policy, after: Policy) -> None:
        """What else comes of a change. Called in the same instant; must not raise."""
        ...


class InForce:
    """The policy that decides."""

    def __init__(self, dispatcher: Dispatcher, stamp: Stamp, on_change: OnChange) -> None:
        self._dispatcher = dispatcher
        self._stamp = stamp
        self._on_change = on_change

    def prepare(self, policy: Policy) -> Gates:
        return self._dispatcher.prepare(policy)

    def changed(self, gates: Gates, previous: Standing, changes: tuple[str, ...], user_id: str | None) -> PolicyChanged:
        return told.changed(self._stamp, gates, previous, changes, user_id)

    def rejected(self, problem: PolicyInvalid, standing: Standing, user_id: str | None) -> PolicyRejected:
        return told.rejected(self._stamp, problem, standing.policy, user_id)

    def follows(self, before: Policy, after: Policy) -> None:
        self._on_change(before, after)


class Tried:
    """The policy that is decided beside it and only recorded."""

    def __init__(self, dispatcher: Dispatcher, stamp: Stamp) -> None:
        self._dispatcher = dispatcher
        self._stamp = stamp

    def prepare(self, policy: Policy) -> Gates:
        return self._dispatcher.prepare_shadow(policy)

    def changed(self, gates: Gates, previous: Standing, changes: tuple[str, ...], user_id: str | None) -> PolicyChanged:
        return told.tried(self._stamp, gates, previous, changes, user_id)

    def rejected(self, problem: PolicyInvalid, standing: Standing, user_id: str | None) -> PolicyRejected:
        return told.not_tried(self._stamp, problem, self._dispatcher.gates.policy, standing.policy, user_id)

    def follows(self, before: Policy, after: Policy) -> None:
        """Nobody is shown anything else."""

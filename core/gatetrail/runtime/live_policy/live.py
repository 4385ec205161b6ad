"""The policy in force, with all the ways by which another one comes in its place."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gatetrail.policy.model import Policy
from gatetrail.policy.standing import Adopted, NoFile, Reloaded, Standing, Unchanged
from gatetrail.runtime.background import in_background
from gatetrail.runtime.live_policy.file import PolicyFile
from gatetrail.runtime.live_policy.follower import Parse, PolicyFollower
from gatetrail.runtime.live_policy.keeper import PolicyKeeper
from gatetrail.runtime.live_policy.watch import PolicyWatch

log = logging.getLogger("gatetrail.policy")

Poke = Callable[[], Awaitable[None]]
"""Has the other processes on the database look at their files."""
Hint = Callable[[], None]
"""Has a file looked at soon."""


class LivePolicy:
    """Of one process."""

    def __init__(self, keeper: PolicyKeeper, follower: PolicyFollower | None, poke: Poke, look_at_tried: Hint) -> None:
        """`look_at_tried` has the file of the policy looked at that is only tried, if there is one."""
        self._keeper = keeper
        self._follower = follower
        self._poke = poke
        self._look_at_tried = look_at_tried

    @property
    def standing(self) -> Standing:
        """What is in force, and since when."""
        return self._keeper.standing

    async def adopt(self, policy: Policy, user_id: str | None = None) -> Adopted | Unchanged:
        """Put a policy in force that comes from no file."""
        return await self._keeper.adopt(policy, user_id)

    async def reload(self, user_id: str | None = None) -> Reloaded:
        """Read the file now, here and in the other processes on the database; `user_id` is who asked for it.

        The file of a policy that is only tried is looked at besides; what comes of that is in the record.
        """
        self._look_at_tried()
        if self._follower is None:
            return NoFile()
        outcome = await self._follower.reload(user_id)
        if isinstance(outcome, Adopted | Unchanged):
            await self._poke()
        return outcome

    async def hang_up(self) -> None:
        """Read the files now, in this process, as SIGHUP asks for it. Never raises."""
        self._look_at_tried()
        if self._follower is None:
            log.warning("SIGHUP: there is no policy file to read; the sample policy stays in force")
            return
        try:
            outcome = await self._follower.reload()
        except Exception:
            log.exception("SIGHUP: the policy file could not be read; the policy in force stays")
        else:
            log.info("SIGHUP: the policy file was read: %s", type(outcome).__name__.lower())


@dataclass(frozen=True, slots=True)
class Followed:
    """A policy of this process, and the file where the next one will stand; None for one that came from no file."""

    keeper: PolicyKeeper
    path: Path | None


@asynccontextmanager
async def open_live_policy(
    in_force: Followed,
    tried: Followed | None,
    *,
    watch: bool,
    parse: Parse,
    poke: Poke,
    on_poke: Callable[[Hint], None],
) -> AsyncGenerator[LivePolicy]:
    """A live policy; regular files are followed for as long as the block lasts when `watch` is True.

    `on_poke` is given what is to be called when another process pokes.
    """
    async with AsyncExitStack() as stack:
        follower, hint = _followed(stack, in_force, parse, watch=watch)
        _, hint_tried = _followed(stack, tried, parse, watch=watch) if tried is not None else (None, _nothing)

        def poked() -> None:
            hint()
            hint_tried()

        on_poke(poked)
        yield LivePolicy(in_force.keeper, follower, poke, hint_tried)


def _followed(stack: AsyncExitStack, one: Followed, parse: Parse, *, watch: bool) -> tuple[PolicyFollower | None, Hint]:
    if one.path is None:
        return None, _nothing
    file = PolicyFile(one.path)
    follower = PolicyFollower(file, one.keeper, parse)
    watching = PolicyWatch(file, follower.follow, watches=watch and one.path.is_file())
    in_background(stack, watching.run(), f"gatetrail policy {one.path.name}")
    return follower, watching.hint


def _nothing() -> None:
    """Where there is no file to look at."""

"""The policy in force, with all the ways by which another one comes in its place."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
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


class LivePolicy:
    """Of one process."""

    def __init__(self, keeper: PolicyKeeper, follower: PolicyFollower | None, poke: Poke) -> None:
        self._keeper = keeper
        self._follower = follower
        self._poke = poke

    @property
    def standing(self) -> Standing:
        """What is in force, and since when."""
        return self._keeper.standing

    async def adopt(self, policy: Policy, user_id: str | None = None) -> Adopted | Unchanged:
        """Put a policy in force that comes from no file."""
        return await self._keeper.adopt(policy, user_id)

    async def reload(self, user_id: str | None = None) -> Reloaded:
        """Read the file now, here and in the other processes on the database; `user_id` is who asked for it."""
        if self._follower is None:
            return NoFile()
        outcome = await self._follower.reload(user_id)
        if isinstance(outcome, Adopted | Unchanged):
            await self._poke()
        return outcome

    async def hang_up(self) -> None:
        """Read the file now, in this process, as SIGHUP asks for it. Never raises."""
        if self._follower is None:
            log.warning("SIGHUP: there is no policy file to read; the sample policy stays in force")
            return
        try:
            outcome = await self._follower.reload()
        except Exception:
            log.exception("SIGHUP: the policy file could not be read; the policy in force stays")
        else:
            log.info("SIGHUP: the policy file was read: %s", type(outcome).__name__.lower())


@asynccontextmanager
async def open_live_policy(
    keeper: PolicyKeeper,
    path: Path | None,
    *,
    watch: bool,
    parse: Parse,
    poke: Poke,
    on_poke: Callable[[Callable[[], None]], None],
) -> AsyncGenerator[LivePolicy]:
    """A live policy, which is followed for as long as the block lasts when it has a regular file and `watch` is True.

    `on_poke` is given what is to be called when another process pokes.
    """
    async with AsyncExitStack() as stack:
        if path is None:
            yield LivePolicy(keeper, None, poke)
            return
        file = PolicyFile(path)
        follower = PolicyFollower(file, keeper, parse)
        watching = PolicyWatch(file, follower.follow, watches=watch and path.is_file())
        in_background(stack, watching.run(), "gatetrail policy")
        on_poke(watching.hint)
        yield LivePolicy(keeper, follower, poke)

"""Follows the policy file: what it holds comes in force, or is refused once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from gatetrail.errors import PolicyInvalid, PolicyProblem
from gatetrail.policy.load import policy_in
from gatetrail.policy.model import Policy
from gatetrail.policy.standing import Adopted, Rejected, Reloaded, Standing, Unchanged, Unsettled
from gatetrail.runtime.live_policy.file import DOUBTFUL_S, PolicyFile, Reading, in_thread

log = logging.getLogger("gatetrail.policy")

Parse = Callable[[bytes, Path], Policy]
"""Makes a policy of what a file held. Raises PolicyInvalid."""

PATIENCE_S = 3.0
"""Who asks waits for so long at most until the file holds still; checking it takes what it takes."""


class Keeper(Protocol):
    """Who has what a file holds; asked by one follower, one thing at a time."""

    @property
    def standing(self) -> Standing:
        """What was made of the file last."""
        ...

    async def adopt(self, policy: Policy, user_id: str | None = None) -> Adopted | Unchanged:
        """Take a policy, whole. Raises PolicyInvalid, or anything else, for one that is not taken."""
        ...

    async def refuse(self, problem: PolicyInvalid, user_id: str | None = None) -> None:
        """Hear that there was a file that cannot be used. Never raises."""
        ...


class PolicyFollower:
    """One file, and what was last made of it."""

    def __init__(self, file: PolicyFile, keeper: Keeper, parse: Parse = policy_in) -> None:
        self._parse = parse
        self._file = file
        self._keeper = keeper
        self._considered: Reading | None = None
        self._considering = asyncio.Lock()

    async def follow(self) -> None:
        """Bring in force what the file holds now; returns when that is done, or refused."""
        outcome: Reloaded | None = None
        while outcome is None:
            outcome = await self._consider(await self._file.settled(self._considered))

    async def reload(self, user_id: str | None = None) -> Reloaded:
        """The same because somebody asked for it: a file that is still as bad as before is refused again."""
        patience_ends_s = asyncio.get_running_loop().time() + PATIENCE_S
        try:
            while True:
                async with asyncio.timeout_at(patience_ends_s):
                    reading = await self._file.settled()
                outcome = await self._consider(reading, asked=True, user_id=user_id)
                if outcome is not None:
                    return outcome
        except TimeoutError:
            return Unsettled()

    async def _consider(
        self, reading: Reading, *, asked: bool = False, user_id: str | None = None
    ) -> Adopted | Unchanged | Rejected | None:
        """What comes of a reading; None when the file has changed since, so that it is to be read again."""
        async with self._considering:
            if reading.is_as(self._considered) and not asked:
                return Unchanged(self._keeper.standing)
            try:
                policy = await in_thread(lambda: self._policy_in(reading))
                if policy is None:
                    return None
                outcome = await self._adopt(policy, user_id)
            except PolicyInvalid as problem:
                return await self._reject(reading, problem, asked=asked, user_id=user_id)
            self._considered = reading
            return outcome

    async def _adopt(self, policy: Policy, user_id: str | None) -> Adopted | Unchanged:
        try:
            outcome = await self._keeper.adopt(policy, user_id)
        except PolicyInvalid:
            raise
        except Exception as problem:
            log.exception("the policy in %s cannot be put in force", policy.source)
            message = f"cannot be put in force: {type(problem).__name__}: {problem}"
            raise PolicyInvalid(policy.source, (PolicyProblem(0, "", message),)) from problem
        if isinstance(outcome, Adopted):
            log.info("policy %s is in force, from %s", policy.version, policy.source)
        return outcome

    async def _reject(
        self, reading: Reading, problem: PolicyInvalid, *, asked: bool, user_id: str | None
    ) -> Rejected | None:
        if not reading.is_doubtful:  # the others have waited for so long already
            await asyncio.sleep(DOUBTFUL_S)
            if not reading.is_as(await self._file.read()):
                return None
        if asked or not reading.is_as(self._considered):
            log.error(
                "the policy file was refused; %s stays in force:\n%s", self._keeper.standing.policy.version, problem
            )
            await self._keeper.refuse(problem, user_id)
        self._considered = reading
        return Rejected(problem, self._keeper.standing)

    def _policy_in(self, reading: Reading) -> Policy | None:
        """None when the file is another by now: somebody else may have brought that in force already."""
        if not reading.is_as(self._file.read_now()):
            return None
        if reading.problem is not None:
            raise reading.problem
        return self._parse(reading.content, self._file.path)

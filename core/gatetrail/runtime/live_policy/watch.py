"""Tells when the policy file may have changed: at once where the system tells, by looking now and then elsewhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Never

from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType] -- one of its defaults is trio's

from gatetrail.runtime.live_policy.file import PolicyFile, in_thread
from gatetrail.runtime.live_policy.places import places_of

log = logging.getLogger("gatetrail.policy")

POLL_S = 0.4
"""Network file systems tell nothing, nor does a folder that is moved away as a whole."""
READ_AT_LEAST_EVERY = 25
"""Looks: a change that leaves size and times as they were is found by reading."""
GROUPED_MS = 50
STEP_MS = 20
"""How often the watching thread looks for events (watchfiles)."""
RETRY_S = 30.0


class PolicyWatch:
    """Calls `look` when the file may have changed: sometimes without need, never at the same time twice."""

    def __init__(self, file: PolicyFile, look: Callable[[], Awaitable[object]], *, watches: bool = True) -> None:
        """With `watches` False it looks only when it is told to."""
        self._watches = watches
        self._file = file
        self._look = look
        self._hinted = asyncio.Event()

    def hint(self) -> None:
        """Have it looked at now."""
        self._hinted.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        if not self._watches:
            await self._obey()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._hear())
            both.create_task(self._keep_looking())

    async def _obey(self) -> Never:
        while True:
            await self._hinted.wait()
            self._hinted.clear()
            await self._try_to_look()

    async def _keep_looking(self) -> None:
        marks, looks = None, 0
        while True:
            hinted = await self._wait()
            found, looks = await self._file.marks(), looks + 1
            if hinted or found != marks or looks >= READ_AT_LEAST_EVERY:
                marks, looks = found, 0
                await self._try_to_look()

    async def _wait(self) -> bool:
        """True for a hint, False when the time for the next look has come."""
        try:
            await asyncio.wait_for(self._hinted.wait(), POLL_S)
        except TimeoutError:
            return False
        self._hinted.clear()
        return True

    async def _try_to_look(self) -> None:
        try:
            await self._look()
        except Exception:
            log.exception("the policy file could not be looked at; the policy in force stays")

    async def _hear(self) -> None:
        while True:
            try:
                await self._hear_of(await in_thread(lambda: places_of(self._file.path)))
            except OSError as problem:
                log.warning("the policy file is looked at every %g s, as nobody tells of changes: %s", POLL_S, problem)
                await asyncio.sleep(RETRY_S)

    async def _hear_of(self, places: frozenset[Path]) -> None:
        """Hint at each change of these, until they are no longer the ones to watch."""
        names = {place.name for place in places}
        folders = await in_thread(lambda: [folder for folder in {place.parent for place in places} if folder.is_dir()])
        events = awatch(
            *folders,
            watch_filter=lambda _change, path: Path(path).name in names,
            debounce=GROUPED_MS,
            step=STEP_MS,
            recursive=False,
            ignore_permission_denied=True,
        )
        async with aclosing(events):
            self.hint()  # for what has changed before anybody listened
            async for _changes in events:
                self.hint()
                if await in_thread(lambda: places_of(self._file.path)) != places:
                    return

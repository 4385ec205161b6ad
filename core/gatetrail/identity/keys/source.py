"""The keys of one place, as they are now, and how they came to be."""

from __future__ import annotations

import asyncio
import logging

from gatetrail.clock import Clock
from gatetrail.identity.keys.key import VerificationKey
from gatetrail.identity.keys.key_set import KeySet, parse_key_set
from gatetrail.identity.keys.place import KeyLimits, KeyPlace, name_of
from gatetrail.identity.keys.reading import NotReadError, reader_of

log = logging.getLogger("gatetrail.keys")

WITHDRAWN_S = 0.0


class KeySource:
    """Looking a key up is synchronous and never waits; loading is one task at a time, whoever asks for it.

    What was loaded last is kept while the place is away, for as long as its `max_stale_s`.
    """

    def __init__(self, place: KeyPlace, clock: Clock, limits: KeyLimits) -> None:
        self._place = place
        self._clock = clock
        self._limits = limits
        self._reader = reader_of(place, limits)
        self._set = KeySet()
        self._flight: asyncio.Task[None] | None = None
        self._due_s = 0.0
        self._asked_s = -limits.cool_down_s
        self._failures = 0
        self._told_reason = ""
        self._told_stale = False

    def candidates(self, algorithm: str, key_id: str | None, now_s: float) -> tuple[VerificationKey, ...]:
        """Keys that a token may have been signed with; `now_s` is seconds since 1970."""
        return tuple(key for key in self._set.candidates(algorithm, key_id) if now_s < key.usable_until_s)

    async def look_again(self) -> bool:
        """For a key that is not known: load once more, or wait for who is loading already.

        False when that was done only a moment ago: then nothing has changed.
        """
        flight = self._flight
        if flight is None:
            now_s = self._clock.monotonic_s()
            if now_s < self._asked_s + self._limits.cool_down_s:
                return False
            self._asked_s = now_s
            flight = self._start()
        await asyncio.wait([flight])
        return True

    def start_if_due(self) -> None:
        """Begin to load when it is time, without waiting for it."""
        self._tell_stale()
        if self._flight is None and self._clock.monotonic_s() >= self._due_s:
            self._start()

    def retire(self) -> None:
        """No more keys from here, and what was verified with them no longer counts."""
        self.stop()
        self._adopt(KeySet())

    def stop(self) -> None:
        """End what is under way."""
        if self._flight is not None:
            self._flight.cancel()

    def _start(self) -> asyncio.Task[None]:
        self._flight = asyncio.create_task(self._load(), name="gatetrail keys of an issuer")
        self._flight.add_done_callback(self._landed)
        return self._flight

    def _landed(self, flight: asyncio.Task[None]) -> None:
        if self._flight is flight:
            self._flight = None

    async def _load(self) -> None:
        try:
            read = await self._reader.read()
            if read.content is not None:
                self._adopt(parse_key_set(read.content, self._limits.max_keys, self._set))
        except (NotReadError, ValueError) as problem:
            self._failed(str(problem))
            return
        self._reader.taken()
        self._succeeded(read.fresh_s)

    def _adopt(self, fresh: KeySet) -> None:
        for key in set(self._set.keys) - set(fresh.keys):
            key.usable_until_s = WITHDRAWN_S
        if fresh.unused != self._set.unused:
            for sentence in fresh.unused:
                log.warning("a key of %s is not used: %s", name_of(self._place), sentence)
        if [key.thumbprint for key in fresh.keys] != [key.thumbprint for key in self._set.keys]:
            log.info("%s has %d keys that can be used", name_of(self._place), len(fresh.keys))
        self._set = fresh

    def _succeeded(self, fresh_s: float) -> None:
        if self._failures:
            log.warning("the key set %s is there again", name_of(self._place))
        self._failures = 0
        self._told_reason = ""
        self._told_stale = False
        self._due_s = self._clock.monotonic_s() + fresh_s
        until_s = self._clock.now_us() / 1_000_000 + self._place.max_stale_s
        for key in self._set.keys:
            key.usable_until_s = until_s

    def _failed(self, reason: str) -> None:
        self._failures += 1
        self._due_s = self._clock.monotonic_s() + self._reader.wait_s(self._failures)
        if reason != self._told_reason:
            kept = "its last keys stay in use" if self._set.keys else "there are no keys, so its tokens are refused"
            log.warning("the key set %s %s; %s", name_of(self._place), reason, kept)
        self._told_reason = reason

    def _tell_stale(self) -> None:
        keys = self._set.keys
        if keys and not self._told_stale and self._clock.now_us() / 1_000_000 >= keys[0].usable_until_s:
            self._told_stale = True
            hours = self._place.max_stale_s / 3600
            log.error("the keys of %s are older than %g h: its tokens are refused", name_of(self._place), hours)

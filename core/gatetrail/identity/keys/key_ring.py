"""All places that the policy names for keys, kept fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import NoReturn

from gatetrail.clock import Clock
from gatetrail.identity.keys.place import KeyLimits, KeyPlace
from gatetrail.identity.keys.source import KeySource


class KeyRing:
    """One source for each place, whichever issuers and policies name it. Of one event loop."""

    def __init__(self, clock: Clock, limits: KeyLimits | None = None) -> None:
        self._clock = clock
        self._limits = limits or KeyLimits()
        self._sources: dict[KeyPlace, KeySource] = {}

    def keep_only(self, places: Collection[KeyPlace]) -> None:
        """Know these places and no others."""
        for place in [place for place in self._sources if place not in places]:
            self._sources.pop(place).retire()
        for place in places:
            if place not in self._sources:
                self._sources[place] = KeySource(place, self._clock, self._limits)

    def source(self, place: KeyPlace) -> KeySource:
        """Raises KeyError for a place that is not known."""
        return self._sources[place]

    async def keep_fresh(self) -> NoReturn:
        """Load what is due, again and again, until cancelled. A slow place delays no other."""
        try:
            while True:
                for source in self._sources.values():
                    source.start_if_due()
                await asyncio.sleep(self._limits.look_s)
        finally:
            for source in self._sources.values():
                source.stop()

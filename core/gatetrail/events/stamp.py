"""What every event of one process has in common, filled in."""

from __future__ import annotations

from typing import Any

from gatetrail.call import MAX_SENTENCE_BYTES, clean
from gatetrail.clock import Clock, IdMaker, rfc3339
from gatetrail.severity import SEVERITIES
from gatetrail.words import Level


class Stamp:
    """Fills in time, id, level and origin of a new event of this process."""

    def __init__(self, clock: Clock, ids: IdMaker, *, instance_id: str, product_version: str) -> None:
        self._clock = clock
        self._ids = ids
        self.instance_id = instance_id
        self._product_version = product_version

    def __call__(self, level: Level, message: str) -> dict[str, Any]:
        """The record keys of an event that happens now, to be passed on as keyword arguments."""
        return {
            "timestamp": rfc3339(self._clock.now_us()),
            "event_id": self._ids.new_id(),
            "level": level,
            "severity_id": SEVERITIES[level].ocsf_id,
            "message": clean(message, MAX_SENTENCE_BYTES),
            "product_version": self._product_version,
            "instance_id": self.instance_id,
        }

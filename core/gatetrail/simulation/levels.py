"""What can be in buckets: the least of it, what the recorded calls have left, and where a replay is in doubt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from gatetrail.gates.bucket import ENOUGH, Bucket
from gatetrail.limits import Taking

MAX_BUCKETS = 100_000
"""The one that was left alone for the longest time makes room; it is most likely full again."""

SURELY_ENOUGH = 2.0
"""So much must be in a bucket for a call to pass for sure: after a doubt a replay can be wrong by one token."""


@dataclass(slots=True)
class _Level:
    least: Bucket
    """From it every call takes that may have taken."""
    recorded: Bucket
    """From it those calls take that have taken, by the record."""
    is_doubted: bool = False
    differs: bool = False


class Levels:
    """A level for each key. Doubts and differences end when a bucket was left alone for as long as it takes to fill."""

    def __init__(self) -> None:
        self._levels: OrderedDict[str, _Level] = OrderedDict()

    def surely_pass(self, takings: Sequence[Taking], now_s: float) -> bool:
        """True when all of these have a token whatever became of the calls that are in doubt."""
        return all(level.least.level(now_s) >= SURELY_ENOUGH for level in self._of(takings, now_s))

    def are_known(self, takings: Sequence[Taking], now_s: float) -> bool:
        """True when no call is in doubt that may have taken from these."""
        return not any(level.is_doubted for level in self._of(takings, now_s))

    def are_as_recorded(self, takings: Sequence[Taking], now_s: float) -> bool:
        """True when every call that took from these would have taken under the other policy, and no other."""
        return not any(level.differs for level in self._of(takings, now_s))

    def are_explained(self, takings: Sequence[Taking], now_s: float) -> bool:
        """True when the recorded calls alone, under these very limits, leave too little for one more."""
        return any(level.recorded.level(now_s) < ENOUGH for level in self._of(takings, now_s))

    def note(self, takings: Sequence[Taking], now_s: float, *, has_taken: bool, would_take: bool | None) -> None:
        """A call that has taken from these or not, and would under the other policy; None where that is not known."""
        for level in self._of(takings, now_s):
            if has_taken:
                _take(level.recorded, now_s)
            if would_take is not False:
                _take(level.least, now_s)
            level.differs |= has_taken is not would_take

    def doubt(self, takings: Sequence[Taking], now_s: float) -> None:
        """The replay may have taken from these where the call would not have, or the other way round."""
        for level in self._of(takings, now_s):
            level.is_doubted = True

    def _of(self, takings: Sequence[Taking], now_s: float) -> list[_Level]:
        return [self._one(taking, now_s) for taking in takings]

    def _one(self, taking: Taking, now_s: float) -> _Level:
        level = self._levels.get(taking.key)
        if level is None:
            full = taking.limit.capacity
            level = _Level(Bucket(full, now_s, taking.limit), Bucket(full, now_s, taking.limit))
            self._levels[taking.key] = level
            if len(self._levels) > MAX_BUCKETS:
                self._levels.popitem(last=False)
        elif now_s - max(level.least.then_s, level.recorded.then_s) >= taking.limit.capacity / taking.limit.rate_per_s:
            level.is_doubted = level.differs = False
        for bucket in (level.least, level.recorded):
            if bucket.limit != taking.limit:
                bucket.change(taking.limit, now_s)
        self._levels.move_to_end(taking.key)
        return level


def _take(bucket: Bucket, now_s: float) -> None:
    bucket.tokens = max(0.0, bucket.level(now_s) - 1.0)
    bucket.then_s = max(now_s, bucket.then_s)

"""Token buckets in memory: smooth refill in float seconds, and the exact wait until the next call passes."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from gatetrail.limits import Limit, Taking

__all__ = ["ENOUGH", "Bucket", "Buckets", "Limit", "take_all"]

_SWEPT_PER_NEWCOMER = 2
_SWEPT_WHEN_FULL = 16


ENOUGH = 1.0 - 1e-9
"""What counts as a whole token: ten refills of a tenth are one, which floats alone do not grant."""


@dataclass(slots=True)
class Bucket:
    """What was in at one moment, and by which limit it fills."""

    tokens: float
    then_s: float
    limit: Limit

    def level(self, now_s: float) -> float:
        """Tokens at a moment: `min(capacity, tokens + (now - then) × rate)`; time never runs back."""
        elapsed_s = now_s - self.then_s
        if elapsed_s <= 0:
            return self.tokens
        limit = self.limit
        return min(limit.capacity, self.tokens + elapsed_s * limit.rate_per_s)

    def is_full(self, now_s: float) -> bool:
        return self.level(now_s) >= self.limit.capacity

    def change(self, limit: Limit, now_s: float) -> None:
        """From now on another limit; what is in stays in, as far as it fits."""
        self.tokens = min(self.level(now_s), limit.capacity)
        self.then_s = max(now_s, self.then_s)
        self.limit = limit

    def take(self, now_s: float) -> int:
        """Takes one token and gives 0, or takes nothing and gives the wait in whole milliseconds.

        The same bucket has a token at `now_s + wait / 1000` and none one millisecond before.
        """
        level = self.level(now_s)
        if level < ENOUGH:
            return self._wait_ms(level, now_s)
        self.tokens = max(0.0, level - 1.0)
        self.then_s = max(now_s, self.then_s)
        return 0

    def wait_ms(self, now_s: float) -> int:
        """What `take` would give, with nothing taken."""
        level = self.level(now_s)
        return 0 if level >= ENOUGH else self._wait_ms(level, now_s)

    def _wait_ms(self, level: float, now_s: float) -> int:
        behind_s = max(0.0, self.then_s - now_s)
        wait_ms = max(1, math.ceil((behind_s + (1.0 - level) / self.limit.rate_per_s) * 1000))
        # Floats round: the formula that decides has the last word on the last millisecond.
        while self.level(now_s + wait_ms / 1000) < ENOUGH:
            wait_ms += 1
        while wait_ms > 1 and self.level(now_s + (wait_ms - 1) / 1000) >= ENOUGH:
            wait_ms -= 1
        return wait_ms


def take_all(buckets: Sequence[Bucket], now_s: float) -> int:
    """Takes one token of each and gives 0, or takes nothing and gives the longest wait."""
    wait_ms = max(bucket.wait_ms(now_s) for bucket in buckets)
    if wait_ms == 0:
        for bucket in buckets:
            bucket.take(now_s)
    return wait_ms


class Buckets:
    """One bucket for each key. Not safe to call from several threads at once.

    New keys start full, and only full buckets are dropped, so nobody gains by being forgotten. Where
    all that may be kept are in use, further keys of a group share one bucket with a limit of its own.
    """

    def __init__(self) -> None:
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()
        self._shared: dict[Hashable, Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable, limit: Limit, shared: tuple[Hashable, Limit], max_keys: int, now_s: float) -> int:
        """0, or the wait in milliseconds. `shared` is group and limit for when `max_keys` are in use."""
        bucket = self._buckets.get(key)
        if bucket is None or bucket.limit is not limit:
            bucket = self.find(key, limit, shared, max_keys, now_s)
        return bucket.take(now_s)

    def take_all(self, wanted: Sequence[Taking], max_keys: int, now_s: float) -> int:
        """One token for each of the keys and 0, or nothing and the longest wait. No key may stand in twice.

        Where `max_keys` are in use, further keys share one bucket for each limit.
        """
        # Swept before any is looked up: a full bucket that is about to be taken from must not be dropped.
        if any(taking.key not in self._buckets for taking in wanted):
            self._make_room(max_keys, now_s)
        found = [self._of(taking, max_keys, now_s) for taking in wanted]
        return take_all(found, now_s)

    def find(self, key: Hashable, limit: Limit, shared: tuple[Hashable, Limit], max_keys: int, now_s: float) -> Bucket:
        """The bucket to take from now; the next call with a new key may drop it, if it is full then."""
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room(max_keys, now_s)
            return self._enter(key, limit, shared, max_keys, now_s)
        if bucket.limit != limit:
            bucket.change(limit, now_s)
        return bucket

    def _of(self, taking: Taking, max_keys: int, now_s: float) -> Bucket:
        if taking.key in self._buckets:
            return self.find(taking.key, taking.limit, (taking.limit, taking.limit), max_keys, now_s)
        return self._enter(taking.key, taking.limit, (taking.limit, taking.limit), max_keys, now_s)

    def _make_room(self, max_keys: int, now_s: float) -> None:
        is_full = len(self._buckets) >= max_keys
        self._sweep(_SWEPT_WHEN_FULL if is_full else _SWEPT_PER_NEWCOMER, now_s)

    def _enter(
        self, key: Hashable, limit: Limit, shared: tuple[Hashable, Limit], max_keys: int, now_s: float
    ) -> Bucket:
        if len(self._buckets) >= max_keys:
            return self._shared_bucket(*shared, now_s)
        bucket = self._buckets[key] = Bucket(limit.capacity, now_s, limit)
        return bucket

    def _shared_bucket(self, group: Hashable, limit: Limit, now_s: float) -> Bucket:
        bucket = self._shared.setdefault(group, Bucket(limit.capacity, now_s, limit))
        if bucket.limit != limit:
            bucket.change(limit, now_s)
        return bucket

    def _sweep(self, count: int, now_s: float) -> None:
        """Looks at the oldest keys: full ones go, others queue up again."""
        for _ in range(min(count, len(self._buckets))):
            key, bucket = self._buckets.popitem(last=False)
            if not bucket.is_full(now_s):
                self._buckets[key] = bucket

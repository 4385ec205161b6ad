"""The buckets of one process while the shared ones cannot be asked: stricter, since the others have some too."""

from __future__ import annotations

from collections.abc import Sequence

from gatetrail.gates.bucket import Buckets
from gatetrail.limits import Limit, Taking

MAX_KEYS = 100_000


class LocalRates:
    """Each limit divided by the number of processes that share it.

    If there are no more processes than that, all of them together let through no more than the limit alone would:
    in t seconds `capacity + rate × t`, or one call a process where that is more. The buckets are kept from one
    outage to the next, so that a store that comes and goes gives nobody a new burst each time.
    """

    def __init__(self, processes: int, max_keys: int = MAX_KEYS) -> None:
        self._processes = processes
        self._max_keys = max_keys
        self._buckets = Buckets()

    def take(self, wanted: Sequence[Taking], now_s: float) -> int:
        """As `RateStore.take`, at once."""
        divided = [Taking(one.key, self._share(one.limit)) for one in wanted]
        return self._buckets.take_all(divided, self._max_keys, now_s)

    def _share(self, limit: Limit) -> Limit:
        return Limit(limit.rate_per_s / self._processes, max(1.0, limit.capacity / self._processes))

"""What a place outside of the process has to do in order to keep its token buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gatetrail.limits import Taking


class RateStore(Protocol):
    """Buckets that several processes share. The time is the store's own, so clocks of processes do not matter.

    The formula is that of `gatetrail.gates.bucket.Bucket`: a bucket nobody knows is full; a store may forget full ones
    and no others; time that runs back refills nothing.
    """

    @property
    def name(self) -> str:
        """For events and metrics; tells no address."""
        ...

    async def take(self, wanted: Sequence[Taking]) -> int:
        """One token of each bucket and 0, or of none and the longest wait in whole milliseconds, rounded up.

        No key stands in twice. Called by many at once. Answers within the limit of the store's settings or raises
        `RateStoreUnavailable`; then nobody knows whether the tokens were taken, and the call counts as not answered.
        """
        ...

    async def recover(self) -> None:
        """Reach the store anew and have it take something harmless, at the start and after a failure.

        By one caller at a time; a `take` meanwhile fails at once. Takes as long as a connect may.
        Raises `RateStoreUnavailable`.
        """
        ...

"""How much may go through in a second, and what one call wants of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """`rate_per_s` tokens come in each second, `capacity` fit in. Both more than 0, capacity at least 1."""

    rate_per_s: float
    capacity: float


@dataclass(frozen=True, slots=True)
class Taking:
    """One token that a call wants from one bucket."""

    key: str
    """Which bucket. Holds ids of callers: a store outside of the process keeps its digest only."""
    limit: Limit
    """What counts from now on, for whoever takes; what is in the bucket stays in, as far as it fits."""

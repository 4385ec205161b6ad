"""The policy file's `rate_limits`: how many calls a second."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from gatetrail.call import Endpoint
from gatetrail.identity.tiers import Tier
from gatetrail.limits import Limit
from gatetrail.policy.part import PolicyPart

MIN_RATE_PER_S = 1e-6
MAX_RATE_PER_S = 1e9
"""Beyond these, sums of floats lose the single call."""


class Rates(PolicyPart):
    """Token buckets: base rate of the endpoint × multiplier of the caller's tier."""

    base_per_s: dict[Endpoint, PositiveFloat] = Field(default={})
    """Calls per second by endpoint, over the built-in table."""
    burst_multiplier: Annotated[float, Field(ge=1)] = 3.0
    """A bucket holds this many seconds of its rate, at least one call."""
    tier_multipliers: dict[Tier, PositiveFloat] = Field(default={})
    """Over the built-in table."""
    max_callers: PositiveInt = 100_000
    """Buckets kept in memory at most; only full ones are dropped, so nobody gains by it."""

    def limit(self, rate_per_s: float) -> Limit:
        """The bucket for a rate: so many seconds of it fit in, at least one call."""
        rate_per_s = min(max(rate_per_s, MIN_RATE_PER_S), MAX_RATE_PER_S)
        return Limit(rate_per_s, max(1.0, min(rate_per_s * self.burst_multiplier, MAX_RATE_PER_S)))


class RateLimits(Rates):
    """The rates in force, and those that are only tried."""

    shadow: Rates | None = None
    """The same keys as they would stand here, not enforced: what they would have denied is recorded."""

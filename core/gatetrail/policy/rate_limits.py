"""The policy file's `rate_limits`: how many calls a second."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from gatetrail.call import Endpoint
from gatetrail.identity.tiers import Tier
from gatetrail.policy.part import PolicyPart


class RateLimits(PolicyPart):
    """Token buckets: base rate of the endpoint × multiplier of the caller's tier."""

    base_per_s: dict[Endpoint, PositiveFloat] = Field(default={})
    """Calls per second by endpoint, over the built-in table."""
    burst_multiplier: Annotated[float, Field(ge=1)] = 3.0
    """A bucket holds this many seconds of its rate, at least one call."""
    tier_multipliers: dict[Tier, PositiveFloat] = Field(default={})
    """Over the built-in table."""
    max_callers: PositiveInt = 100_000
    """Buckets kept at most; only full ones are dropped, so nobody gains by it."""

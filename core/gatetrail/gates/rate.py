"""Gate 4: one token bucket for each caller and endpoint; base rate × tier multiplier."""

from __future__ import annotations

from gatetrail.call import Call, Endpoint
from gatetrail.gates.bucket import Limit
from gatetrail.gates.decision import PASS, Deny, GateResult, ReasonCode
from gatetrail.gates.party import address_party
from gatetrail.gates.state import GateState
from gatetrail.identity.caller import Authenticated, Caller, tier_of
from gatetrail.identity.tiers import Tier
from gatetrail.policy.rate_limits import RateLimits

BASE_PER_S: dict[Endpoint, float] = {
    Endpoint.MCP: 200.0,
    Endpoint.INFERENCE: 5.0,
    Endpoint.OAUTH: 10.0,
    Endpoint.CONTEXTS: 100.0,
    Endpoint.TASKS: 50.0,
    Endpoint.ARTIFACTS: 50.0,
    Endpoint.REGISTRIES: 50.0,
    Endpoint.AGENTS: 20.0,
    Endpoint.STREAM: 100.0,
    Endpoint.CONTENT: 50.0,
}
"""Calls per second, where the policy says nothing else."""

TIER_MULTIPLIERS: dict[Tier, float] = {
    Tier.ADMIN: 10.0,
    Tier.USER: 1.0,
    Tier.SERVICE: 5.0,
    Tier.A2A: 5.0,
    Tier.MCP: 5.0,
    Tier.ANONYMOUS: 0.5,
}
"""Where the policy says nothing else."""

MIN_RATE_PER_S = 1e-6
MAX_RATE_PER_S = 1e9
"""Beyond these, sums of floats lose the single call."""


class RateGate:
    """The limits of one policy; the buckets live in the state, which outlives policies."""

    def __init__(self, policy: RateLimits, state: GateState) -> None:
        self._limits = {endpoint: {tier: _limit(policy, endpoint, tier) for tier in Tier} for endpoint in Endpoint}
        self._max_callers = policy.max_callers
        self._proven = state.proven_buckets
        self._unproven = state.unproven_buckets

    def check(self, call: Call, caller: Caller, endpoint: Endpoint, now_s: float) -> GateResult:
        """Takes one token of this caller on this endpoint, or says how long to wait for one.

        Where more than `max_callers` are active at once, the others share a bucket of the anonymous size.
        """
        limits = self._limits[endpoint]
        shared = (endpoint, limits[Tier.ANONYMOUS])
        if isinstance(caller, Authenticated):
            limit, key = limits[caller.tier], (endpoint, caller.user_id)
            wait_ms = self._proven.take(key, limit, shared, self._max_callers, now_s)
        else:
            limit = limits[Tier.ANONYMOUS]
            key = (endpoint, address_party(call.origin.source_ip))
            wait_ms = self._unproven.take(key, limit, shared, self._max_callers, now_s)
        return _denial(limit, endpoint, tier_of(caller), wait_ms) if wait_ms else PASS


def _limit(policy: RateLimits, endpoint: Endpoint, tier: Tier) -> Limit:
    base_per_s = policy.base_per_s.get(endpoint, BASE_PER_S[endpoint])
    multiplier = policy.tier_multipliers.get(tier, TIER_MULTIPLIERS[tier])
    rate_per_s = min(max(base_per_s * multiplier, MIN_RATE_PER_S), MAX_RATE_PER_S)
    return Limit(rate_per_s, max(1.0, min(rate_per_s * policy.burst_multiplier, MAX_RATE_PER_S)))


def _denial(limit: Limit, endpoint: Endpoint, tier: Tier, wait_ms: int) -> Deny:
    reason = f"more than {limit.rate_per_s:g} calls per second on {endpoint.value} for tier {tier.value}"
    return Deny(ReasonCode.RATE_EXCEEDED, reason, retry_after_ms=wait_ms)

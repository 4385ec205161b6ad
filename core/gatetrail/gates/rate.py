"""Gate 4: one token bucket for each caller and endpoint, base rate × tier multiplier; others that all callers share."""

from __future__ import annotations

from collections.abc import Sequence

from gatetrail.call import Call, Endpoint
from gatetrail.gates.bucket import take_all
from gatetrail.gates.decision import PASS, Deny, GateResult, ReasonCode
from gatetrail.gates.party import address_party
from gatetrail.gates.state import GateState
from gatetrail.identity.caller import Authenticated, Caller, tier_of
from gatetrail.identity.tiers import Tier
from gatetrail.limits import Limit, Taking
from gatetrail.policy.rate_limits import RateLimits
from gatetrail.policy.resolve import Resolved

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

STORE_AWAY = Deny(ReasonCode.RATE_STORE_AWAY, "the shared store of the rate limits does not answer")


class RateGate:
    """The limits of one policy; the buckets live in the state, which outlives policies, or in a shared store."""

    def __init__(self, policy: RateLimits, state: GateState) -> None:
        self._limits = {endpoint: {tier: _limit(policy, endpoint, tier) for tier in Tier} for endpoint in Endpoint}
        self._max_callers = policy.max_callers
        self._proven = state.proven_buckets
        self._unproven = state.unproven_buckets
        self._state = state

    def check(self, call: Call, caller: Caller, resolved: Resolved, now_s: float) -> GateResult:
        """Takes one token of each bucket of the call, or of none, and then says how long to wait.

        Where more than `max_callers` are active at once, the others share a bucket of the anonymous size.
        With a shared store this always passes: whoever asked goes on to ask the store for `takings`.
        """
        if self._state.rates_are_shared:
            return PASS
        endpoint = resolved.endpoint
        limits = self._limits[endpoint]
        shared = (endpoint, limits[Tier.ANONYMOUS])
        if isinstance(caller, Authenticated):
            buckets, limit, key = self._proven, limits[caller.tier], (endpoint, caller.user_id)
        else:
            buckets, limit = self._unproven, limits[Tier.ANONYMOUS]
            key = (endpoint, address_party(call.origin.source_ip))
        if not resolved.shared_takings:
            wait_ms = buckets.take(key, limit, shared, self._max_callers, now_s)
        else:
            own = buckets.find(key, limit, shared, self._max_callers, now_s)
            wait_ms = take_all(
                [own, *(self._state.common_bucket(one, now_s) for one in resolved.shared_takings)], now_s
            )
        return self.denial(caller, resolved, wait_ms) if wait_ms else PASS

    def takings(self, call: Call, caller: Caller, resolved: Resolved) -> Sequence[Taking]:
        """What the call takes of a shared store: all of it, or nothing. No key stands in twice."""
        endpoint = resolved.endpoint
        if isinstance(caller, Authenticated):
            key = f"user\0{endpoint.value}\0{caller.user_id}"
        else:
            key = f"address\0{endpoint.value}\0{address_party(call.origin.source_ip)}"
        return (Taking(key, self._own_limit(caller, endpoint)), *resolved.shared_takings)

    def denial(self, caller: Caller, resolved: Resolved, wait_ms: int) -> Deny:
        """In words, with all the limits that the call was under."""
        limit, tier = self._own_limit(caller, resolved.endpoint), tier_of(caller)
        reason = f"more than {_size(limit)} on {resolved.endpoint.value} for tier {tier.value}"
        reason += "".join(f", or {_words(taking)}" for taking in resolved.shared_takings)
        return Deny(ReasonCode.RATE_EXCEEDED, reason, retry_after_ms=wait_ms)

    def _own_limit(self, caller: Caller, endpoint: Endpoint) -> Limit:
        tier = caller.tier if isinstance(caller, Authenticated) else Tier.ANONYMOUS
        return self._limits[endpoint][tier]


def _limit(policy: RateLimits, endpoint: Endpoint, tier: Tier) -> Limit:
    base_per_s = policy.base_per_s.get(endpoint, BASE_PER_S[endpoint])
    multiplier = policy.tier_multipliers.get(tier, TIER_MULTIPLIERS[tier])
    return policy.limit(base_per_s * multiplier)


def _size(limit: Limit) -> str:
    return f"{limit.rate_per_s:g} calls per second, or {limit.capacity:g} at once,"


def _words(taking: Taking) -> str:
    kind, _, names = taking.key.partition("\0")
    return f"{_size(taking.limit)} of all callers on {kind} {names.replace(chr(0), '/')}"

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.call import Endpoint
from gatetrail.gates.bucket import Bucket, Buckets, Limit
from gatetrail.gates.rate import BASE_PER_S, TIER_MULTIPLIERS
from gatetrail.gates.state import GateState
from gatetrail.identity.caller import Anonymous
from gatetrail.identity.tiers import Tier
from gatetrail.words import GateName, ReasonCode
from tests.gates.making import call, caller, gates_for


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    rate_per_s = draw(st.floats(0.001, 10_000))
    return Limit(rate_per_s, max(1.0, rate_per_s * draw(st.floats(0.5, 10))))


LIMITS = limits()
STARTS_S = st.floats(0, 1e7)
PAUSES_S = st.lists(st.just(0.0) | st.floats(0, 2), max_size=40)


@pytest.mark.requirement("B8")
@given(LIMITS, STARTS_S, PAUSES_S)
def test_the_wait_is_exact_to_the_millisecond(limit: Limit, now_s: float, pauses_s: list[float]) -> None:
    bucket = Bucket(limit.capacity, now_s, limit)
    for pause_s in pauses_s:
        now_s += pause_s
        wait_ms = bucket.take(now_s)
        if wait_ms:
            early = Bucket(bucket.tokens, bucket.then_s, limit)
            assert wait_ms == 1 or early.take(now_s + (wait_ms - 1) / 1000) > 0
            late = Bucket(bucket.tokens, bucket.then_s, limit)
            assert late.take(now_s + wait_ms / 1000) == 0


@pytest.mark.requirement("B8")
@given(LIMITS, PAUSES_S)
def test_no_span_lets_more_through_than_capacity_and_refill(limit: Limit, pauses_s: list[float]) -> None:
    bucket, now_s, passed = Bucket(limit.capacity, 0.0, limit), 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        for _ in range(5):
            passed += bucket.take(now_s) == 0
        assert passed <= limit.capacity + now_s * limit.rate_per_s + 1e-6


@pytest.mark.requirement("B8")
@given(st.floats(0.5, 200), st.integers(1, 50))
def test_who_keeps_the_pace_is_never_denied(rate_per_s: float, calls: int) -> None:
    bucket = Bucket(1.0, 0.0, Limit(rate_per_s, 1.0))
    assert all(bucket.take(number / rate_per_s) == 0 for number in range(calls))


@pytest.mark.requirement("B8")
def test_refill_is_smooth() -> None:
    bucket = Bucket(0.0, 0.0, Limit(10.0, 10.0))
    passed = [bucket.take(number / 1000) == 0 for number in range(1001)]
    assert passed.count(True) == 10
    assert [at for at, ok in enumerate(passed) if ok] == list(range(100, 1001, 100))


@given(LIMITS, LIMITS, st.integers(0, 100), st.floats(0, 10))
def test_a_change_of_rate_keeps_what_is_in(first: Limit, second: Limit, taken: int, now_s: float) -> None:
    bucket = Bucket(first.capacity, 0.0, first)
    for _ in range(taken):
        bucket.take(0.0)
    level = bucket.level(now_s)
    bucket.change(second, now_s)
    assert bucket.level(now_s) == min(level, second.capacity)


def test_time_that_runs_back_gives_nothing() -> None:
    bucket = Bucket(1.0, 10.0, Limit(1.0, 1.0))
    assert bucket.take(5.0) == 0
    assert bucket.take(5.0) == 6000
    assert bucket.take(10.999) == 1
    assert bucket.take(11.0) == 0


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 0.5)), max_size=120))
def test_forgetting_never_helps_anybody(calls: list[tuple[int, float]]) -> None:
    limit, now_s = Limit(1.0, 3.0), 0.0
    buckets, unbounded = Buckets(), dict[int, Bucket]()
    for who, pause_s in calls:
        now_s += pause_s
        wait_ms = buckets.take(who, limit, ("all", Limit(1.0, 1.0)), 8, now_s)
        alone = unbounded.setdefault(who, Bucket(limit.capacity, now_s, limit))
        if wait_ms == 0:
            assert alone.take(now_s) == 0
        assert len(buckets) <= 8


def test_full_buckets_make_room_and_others_do_not() -> None:
    limit, shared = Limit(1.0, 3.0), ("all", Limit(1.0, 1.0))
    buckets = Buckets()
    for who in range(4):
        assert buckets.take(who, limit, shared, 4, 0.0) == 0
    assert buckets.take("fifth", limit, shared, 4, 0.0) == 0
    assert buckets.take("sixth", limit, shared, 4, 0.0) == 1000
    assert len(buckets) == 4
    assert buckets.take("seventh", limit, shared, 4, 10.0) == 0
    assert len(buckets) == 1


@pytest.mark.requirement("B8")
@pytest.mark.parametrize(
    ("server", "tier", "capacity"),
    [
        ("public", Tier.ADMIN, 6000),
        ("public", Tier.USER, 600),
        ("public", Tier.SERVICE, 3000),
        ("public", Tier.ANONYMOUS, 300),
        ("model", Tier.ADMIN, 150),
        ("model", Tier.USER, 15),
        ("model", Tier.MCP, 75),
    ],
)
def test_built_in_rates_are_base_times_tier_times_burst(server: str, tier: Tier, capacity: int) -> None:
    gates, who = gates_for(), caller(tier)
    decisions = [gates.decide(call(server=server), who, 0, 0.0) for _ in range(capacity + 1)]
    assert all(decision.allowed for decision in decisions[:-1])
    last = decisions[-1]
    assert (last.gate, last.reason_code) == (GateName.RATE_LIMIT, ReasonCode.RATE_EXCEEDED)
    assert last.rate_limit_tier is tier
    rate_per_s = capacity / 3
    assert last.retry_after_ms == math.ceil(1000 / rate_per_s)
    wait_s = (last.retry_after_ms or 0) / 1000
    assert gates.decide(call(server=server), who, 0, wait_s).allowed


def test_every_endpoint_and_tier_has_a_rate() -> None:
    assert set(BASE_PER_S) == set(Endpoint)
    assert set(TIER_MULTIPLIERS) == set(Tier)


ONE_A_SECOND = """
rate_limits:
  base_per_s: {mcp: 1, inference: 1}
  burst_multiplier: 1
  tier_multipliers: {admin: 4, anonymous: 1}
"""


@pytest.mark.requirement("B8")
def test_each_caller_and_endpoint_has_a_bucket_of_its_own() -> None:
    gates = gates_for(ONE_A_SECOND)

    def allowed(server: str, user: str) -> bool:
        return gates.decide(call(server=server), caller(user=user), 0, 0.0).allowed

    assert [allowed("public", "ann"), allowed("public", "ann")] == [True, False]
    assert [allowed("finance", "ann"), allowed("model", "ann")] == [False, True]
    assert allowed("public", "bob")


def test_anonymous_callers_are_counted_by_address_and_users_are_not() -> None:
    gates = gates_for(ONE_A_SECOND)
    for address, passes in [("192.0.2.1", True), ("192.0.2.1", False), ("192.0.2.2", True)]:
        here = call(server="public", source_ip=address)
        assert gates.decide(here, Anonymous(), 0, 0.0).allowed is passes
    for user in ("ann", "192.0.2.1"):
        here = call(server="public", source_ip="192.0.2.1")
        assert gates.decide(here, caller(user=user), 0, 0.0).allowed


def test_a_lowered_tier_has_the_lower_rate() -> None:
    gates = gates_for(ONE_A_SECOND)
    lowered = caller(Tier.USER, token_tier=Tier.ADMIN)
    decisions = [gates.decide(call(), lowered, 0, 0.0) for _ in range(2)]
    assert [decision.allowed for decision in decisions] == [True, False]
    assert decisions[1].rate_limit_tier is Tier.USER


def test_state_survives_a_change_of_policy() -> None:
    state = GateState()
    assert gates_for(ONE_A_SECOND, state).decide(call(), caller(), 0, 0.0).allowed
    assert not gates_for(ONE_A_SECOND, state).decide(call(), caller(), 0, 0.0).allowed
    faster = ONE_A_SECOND.replace("mcp: 1", "mcp: 100")
    decision = gates_for(faster, state).decide(call(), caller(), 0, 0.0)
    assert decision.retry_after_ms == 10


def test_rates_beyond_reason_still_give_whole_waits() -> None:
    extreme = "rate_limits: {base_per_s: {mcp: 1.0e-300, inference: 1.0e300}}\n"
    gates = gates_for(extreme)
    assert gates.decide(call(), caller(), 0, 0.0).allowed
    assert gates.decide(call(), caller(), 0, 0.0).retry_after_ms == 1_000_000_000
    for _ in range(100):
        assert gates.decide(call(server="model"), caller(Tier.ADMIN), 0, 0.0).allowed

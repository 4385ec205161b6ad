"""The line is the canonical form, and the hash is that of the line."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.call import MAX_ID_BYTES, MAX_NAME_BYTES, Call, Ids, Origin, clean, json_bytes
from gatetrail.dispatcher.record import completed as completed_event
from gatetrail.dispatcher.record import decided as decided_event
from gatetrail.dispatcher.record import milliseconds
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.events.wire import GENESIS_HASH, MAX_LINE_BYTES, canonical, hash_of_line, keys_of, parse, seal
from gatetrail.gates.decision import Decision
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.redaction import MAX_PREVIEW_BYTES, RedactionPolicy
from gatetrail.redaction import Redaction
from gatetrail.words import ExecutionStatus, GateName, GateOutcome, ReasonCode
from tests.samples import completed, decided, make_stamp

REDACTION = Redaction(b"k" * 32, SENSITIVE_KEYS)
REDACTOR = REDACTION.under(RedactionPolicy(preview_bytes=MAX_PREVIEW_BYTES, keyed_digest=True))
CHAIN = "0190aaaa-0000-7000-8000-000000000000"

DENIAL = Decision(
    allowed=False,
    gate=GateName.RATE_LIMIT,
    reason_code=ReasonCode.SESSION_OF_ANOTHER_USER,
    reason="",
    scope=GateOutcome.SKIPPED,
    scanner=GateOutcome.SKIPPED,
    blocklist=GateOutcome.SKIPPED,
    rate_limit=GateOutcome.SKIPPED,
    policy_version="0123456789abcdef",
    required_tier=Tier.ANONYMOUS,
    actual_tier=Tier.ANONYMOUS,
    rate_limit_tier=Tier.ANONYMOUS,
    decision_us=10**9,
    time_limit_ms=1,
    endpoint="registries",
    retry_after_ms=10**12,
)

any_text = st.text(st.characters(), min_size=1, max_size=400)
"""Everything that a str can hold, lone surrogates and control characters included."""


def cleaned(text: str) -> str:
    return clean(text, MAX_ID_BYTES)


@st.composite
def some_keys(draw: st.DrawFn) -> dict[str, Any]:
    """What a caller or a tool can put into a decision."""
    return {
        "tool_name": cleaned(draw(any_text)),
        "user_id": cleaned(draw(any_text)),
        "session_id": cleaned(draw(any_text)),
        "server_name": clean(draw(any_text), MAX_NAME_BYTES),
        "roles": tuple(clean(role, MAX_NAME_BYTES) for role in draw(st.lists(any_text, max_size=4))) or None,
        "decision_us": draw(st.integers(0, 10**9)),
        "retry_after_ms": draw(st.none() | st.integers(0, 10**12)),
    }


@pytest.mark.requirement("E5")
@given(some_keys(), st.integers(1, 2**53 - 1))
def test_a_sealed_line_is_what_rfc_8785_prescribes_and_carries_the_hash_of_the_rest(
    keys: dict[str, Any], seq: int
) -> None:
    sealed = seal(decided(make_stamp(), **keys), seq, CHAIN, GENESIS_HASH)
    told = orjson.loads(sealed.line)
    assert rfc8785.dumps(told) == sealed.line
    claimed = told.pop("event_hash")
    assert hashlib.sha256(rfc8785.dumps(told)).hexdigest() == claimed == sealed.event_hash == hash_of_line(sealed.line)
    assert b"\n" not in sealed.line


@given(st.floats(0, 1e9))
def test_a_latency_is_written_as_rfc_8785_writes_it(latency_ms: float) -> None:
    value = milliseconds(latency_ms)
    assert rfc8785.dumps({"latency_ms": value}) == canonical({"latency_ms": value})


@given(some_keys())
def test_a_line_is_read_back_as_the_event_that_it_was(keys: dict[str, Any]) -> None:
    event = decided(make_stamp(), **keys)
    assert parse(canonical(keys_of(event))) == event


@given(st.binary(max_size=300))
def test_looking_for_the_hash_of_anything_never_fails(line: bytes) -> None:
    assert hash_of_line(line) is None or len(line) > 64


@pytest.mark.parametrize("character", ["x", "ü", "\x1b", "\x00", "\ud800", '"', "\\", "\U0001f600"])
def test_the_longest_events_of_a_call_have_room_in_a_line_as_they_are(character: str) -> None:
    long = character * 2000
    ids = Ids(trace_id="a" * 32, span_id="b" * 16, session_id=long, context_id=long, client_id=long, task_id=long)
    call = Call(long, long, ids, call_id=long, origin=Origin(long, long, long), arguments={"a": long, long: long})
    caller = Authenticated(
        long,
        Tier.ANONYMOUS,
        Tier.ANONYMOUS,
        CallerType.ANONYMOUS,
        AuthMethod.EMBEDDED,
        roles=(long,) * 9,
        department=long,
    )
    decision = replace(DENIAL, reason=long, rule_id=long, data_domains=(long,) * 9)
    event = decided_event(make_stamp(), call, caller, decision, "e" * 36, REDACTOR)
    assert json_bytes(event.arguments_preview or "") >= 128
    for one in (event, completed_event(make_stamp(), event, ExecutionStatus.FAILED, 1e9, long, REDACTOR)):
        line = seal(one, 2**53, CHAIN, GENESIS_HASH).line
        assert len(line) < MAX_LINE_BYTES
        assert canonical({**orjson.loads(line), **keys_of(one)}) == line


@given(any_text, st.integers(4, 64))
def test_cut_text_has_no_more_bytes_than_allowed_and_every_store_takes_it(text: str, max_bytes: int) -> None:
    kept = clean(text, max_bytes)
    assert json_bytes(kept) <= max_bytes
    assert "\x00" not in kept
    kept.encode()


def test_the_time_stands_first_and_absent_keys_are_left_out() -> None:
    stamp = make_stamp()
    told = orjson.loads(seal(completed(stamp, decided(stamp)), 1, CHAIN, GENESIS_HASH).line)
    assert next(iter(told)) == "@timestamp"
    assert None not in told.values()
    assert "error_class" not in told


@st.composite
def some_calls(draw: st.DrawFn) -> Call:
    """What may come in over a wire."""
    text = st.none() | any_text
    ids = Ids(draw(any_text), *(draw(text) for _ in range(5)))
    origin = Origin(draw(text), draw(text), draw(text))
    return Call(draw(any_text), draw(any_text), ids, method=draw(any_text), call_id=draw(text), origin=origin)


@given(some_calls(), st.booleans(), st.lists(any_text, max_size=9), any_text, st.floats(0, 1e9))
def test_events_that_are_not_validated_are_what_validation_would_have_given(
    call: Call, allowed: bool, texts: list[str], text: str, latency_ms: float
) -> None:
    stamp = make_stamp()
    caller = Authenticated(
        text, Tier.USER, Tier.ADMIN, CallerType.A2A, AuthMethod.BEARER, roles=tuple(texts), department=text
    )
    decision = replace(DENIAL, reason=text, rule_id=text, data_domains=tuple(texts))
    if allowed:
        decision = replace(decision, allowed=True, gate=GateName.NONE, reason_code=ReasonCode.ALLOWED)
    made = decided_event(stamp, call, caller, decision, "e" * 36, REDACTOR)
    ended = completed_event(stamp, made, ExecutionStatus.FAILED, latency_ms, text)
    for event in (made, ended):
        assert parse(canonical(keys_of(event))) == event
        assert seal(event, 1, CHAIN, GENESIS_HASH) == seal(parse(canonical(keys_of(event))), 1, CHAIN, GENESIS_HASH)

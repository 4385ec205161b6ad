"""What a simulation says is what the policy says when the same calls are really made, or that it cannot be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatetrail.events.journal import Entry
from gatetrail.policy.model import Policy, PolicyDocument
from gatetrail.simulation.recorded import recorded
from gatetrail.simulation.simulator import Change, Outcome, Simulator
from tests.simulation.traffic import Asked, calls, documents, policy_of, record_of

pytestmark = pytest.mark.requirement("D7")

UNCERTAIN = {
    *("unknown_tool", "identity_refused", "tier_too_low", "session_tier_too_low"),
    *("scope_missing", "audience_wrong", "department_wrong"),
}
traffic_lists = st.lists(calls(), min_size=1, max_size=40)
at_length = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def outcomes(policy: Policy, entries: Sequence[Entry]) -> Iterator[Outcome]:
    simulator = Simulator(policy)
    for entry in entries:
        yield simulator.outcome(recorded(entry.line))


@at_length
@given(documents(), traffic_lists)
def test_the_very_policy_that_decided_changes_nothing(
    tmp_path: Path, document: PolicyDocument, traffic: list[Asked]
) -> None:
    policy = policy_of(document)
    entries = record_of(policy, traffic, tmp_path)
    assert {outcome.change for outcome in outcomes(policy, entries)} == {Change.UNCHANGED}


@at_length
@given(documents(), traffic_lists)
def test_a_policy_of_the_same_content_changes_nothing_although_nobody_says_that_it_is_the_same(
    tmp_path: Path, document: PolicyDocument, traffic: list[Asked]
) -> None:
    policy = policy_of(document)
    entries = record_of(policy, traffic, tmp_path)
    other = policy.model_copy(update={"version": "another"})
    for entry, outcome in zip(entries, outcomes(other, entries), strict=True):
        assert outcome.change in {Change.UNCHANGED, Change.CANNOT_BE_TOLD}, (outcome, orjson.loads(entry.line))


@at_length
@given(documents(), documents(), traffic_lists)
def test_what_is_told_of_another_policy_is_what_it_decides_when_the_same_calls_are_made(
    tmp_path: Path, document: PolicyDocument, other: PolicyDocument, traffic: list[Asked]
) -> None:
    entries = record_of(policy_of(document), traffic, tmp_path)
    real = record_of(policy_of(other), traffic, tmp_path)
    told = list(outcomes(policy_of(other), entries))
    for number, (outcome, entry) in enumerate(zip(told, real, strict=True)):
        decided = orjson.loads(entry.line)
        if outcome.change is Change.CANNOT_BE_TOLD:
            continue
        said, is_so = (outcome.gate, outcome.reason_code), (decided["gate"], decided["reason_code"])
        assert said == is_so or _both_deny_the_name(said, is_so), (number, outcome, decided, entries[number].line)


def _both_deny_the_name(*both: tuple[str, str]) -> bool:
    """Of who was denied for a name it is not known whether the server has it, and of a token not what it could do."""
    return {gate for gate, _ in both} == {"scope"} and {code for _, code in both} <= UNCERTAIN

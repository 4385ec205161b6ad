"""The engines agree on what a sliding window is; here on records made by hand and by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siem.proof.engine import Engine
from siem.rule import Rule
from siem.sources import rules
from tests.siem.proof.made import Record

BY_NAME: Mapping[str, Rule] = {rule.name: rule for rule in rules()}
COUNTING = ("postgres", "sqlite", "eql")
DISTINGUISHING = ("postgres", "sqlite")


def probes(pauses_s: Sequence[float], **keys: object) -> tuple[Record, list[str]]:
    record = Record()
    ids = [record.call(at, "scanner", **keys) for at in accumulate(pauses_s)]
    return record, ids


@pytest.mark.requirement("E12")
@pytest.mark.parametrize("engine", COUNTING)
class TestTwentyProbesInFiveMinutes:
    rule = BY_NAME["scanner_probes_by_address"]

    def test_every_probe_from_the_twentieth_on_is_found(self, asked: Mapping[str, Engine], engine: str) -> None:
        record, ids = probes([1.0] * 22)
        assert asked[engine].found(self.rule, record.events) == {*ids[19:]}

    def test_both_ends_belong_to_the_window(self, asked: Mapping[str, Engine], engine: str) -> None:
        record, ids = probes([1.0, *[10.0] * 18, 120.0])
        assert asked[engine].found(self.rule, record.events) == {ids[19]}

    def test_a_microsecond_more_is_too_long(self, asked: Mapping[str, Engine], engine: str) -> None:
        record, _ = probes([1.0, *[10.0] * 18, 120.000001])
        assert asked[engine].found(self.rule, record.events) == frozenset()

    def test_a_window_lies_across_full_minutes(self, asked: Mapping[str, Engine], engine: str) -> None:
        record, ids = probes([299.5, *[15.0] * 19])
        assert asked[engine].found(self.rule, record.events) == {ids[19]}

    def test_what_has_no_address_is_not_counted(self, asked: Mapping[str, Engine], engine: str) -> None:
        record, _ = probes([1.0] * 25, src_ip=None)
        assert asked[engine].found(self.rule, record.events) == frozenset()


@pytest.mark.requirement("E12")
@given(
    st.lists(
        st.tuples(st.sampled_from([0.000001, 1.0, 600.0, 1799.999999, 3600.0]), st.sampled_from("ab")),
        min_size=20,
        max_size=70,
    )
)
@settings(max_examples=15)
def test_engines_count_alike(asked: Mapping[str, Engine], steps: list[tuple[float, str]]) -> None:
    record = Record()
    for at, (_, user) in zip(accumulate(pause for pause, _ in steps), steps, strict=True):
        record.call(at, "rate_limit", user_id=user)
    found = {name: asked[name].found(BY_NAME["rate_limited_often"], record.events) for name in COUNTING}
    assert len({*found.values()}) == 1, found


@pytest.mark.requirement("E12")
@pytest.mark.parametrize("name", ["session_with_several_clients", "session_from_several_addresses"])
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.000001, 60.0, 3599.999999, 3600.0, 86400.0]),
            st.sampled_from("ab"),
            st.sampled_from([None, "one", "other", "third"]),
        ),
        min_size=1,
        max_size=25,
    )
)
@settings(max_examples=15)
def test_engines_tell_values_apart_alike(
    asked: Mapping[str, Engine], name: str, steps: list[tuple[float, str, str | None]]
) -> None:
    record = Record()
    for at, (_, session, value) in zip(accumulate(step[0] for step in steps), steps, strict=True):
        record.call(at, session_id=session, client_id=value, src_ip=value)
    found = {engine: asked[engine].found(BY_NAME[name], record.events) for engine in DISTINGUISHING}
    assert len({*found.values()}) == 1, found

"""Looking at all values of a call at once finds what looking at each by itself would find."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatetrail.gates.decision import Decision
from gatetrail.gates.probe_shapes import SHAPES
from gatetrail.words import ReasonCode
from tests.gates.corpora import lines
from tests.gates.making import call, caller, gates_for

GATES = gates_for(
    "scanner: {lockout: {enabled: false}, caller_burst: {limit: 1000000, window_ms: 100}}\n"
    "rate_limits: {base_per_s: {mcp: 1000000}}\n"
)
ANN = caller()
WRITABLE = st.characters(min_codepoint=32, max_codepoint=126)


def texts_in(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return texts_in([*cast("dict[str, Any]", value).values()])
        case list():
            return [text for item in cast("Sequence[Any]", value) for text in texts_in(item)]
        case _:
            return []


NORMAL = [text for line in lines("benign/arguments") for text in texts_in(line["arguments"])]
PROBES = [text for line in lines("probes/arguments") for text in texts_in(line["arguments"])]
PARTS = st.sampled_from(
    ["'", '"', "1", " or ", "=", "--", ";", "id", "\n", "{{", "}}", "7*7", "\x00", "%27", "%", "../", "..",
     "/etc/passwd", "\u200b", "\xa0", "\uff07", "\xe4", "\ud800", "file:", "/*", "*/", "select", "union select",
     "(", ")", " "]
)  # fmt: skip
VALUES = st.sampled_from(NORMAL) | st.sampled_from(PROBES) | st.lists(PARTS, max_size=9).map("".join)


def decided(arguments: dict[str, Any]) -> Decision:
    return GATES.decide(replace(call("ask", "public"), arguments=arguments), ANN, 0, 0.0)


def is_probe(arguments: dict[str, Any]) -> bool:
    decision = decided(arguments)
    assert decision.allowed or decision.reason_code is ReasonCode.PROBE_ARGUMENT
    return not decision.allowed


@pytest.mark.requirement("B5")
@given(st.lists(VALUES, max_size=8))
@example(["it's 1 /* a", "' or '1'='1"])
@example(["/home/ann/m\xfcll/.ssh/id_rsa", "100%"])
@example(["7\x00' or '1'='1", "x"])
def test_values_together_are_a_probe_where_one_of_them_is(values: list[str]) -> None:
    expected = any(is_probe({"one": value}) for value in values)
    assert is_probe({str(number): value for number, value in enumerate(values)}) is expected
    assert is_probe({"all": [{"deep": values}, 7, None, True]}) is expected


@pytest.mark.requirement("B5")
@given(st.one_of([
    st.from_regex(re.compile(shape, re.ASCII | re.IGNORECASE), fullmatch=True, alphabet=WRITABLE)
    for shapes in SHAPES.values() for shape in shapes if r"\z" not in shape
]))  # fmt: skip
def test_a_value_of_a_probes_shape_is_one_between_others_too(probe: str) -> None:
    if 4 <= len(probe) <= 512:
        assert is_probe({"before": "it's 100% /* fine", "value": probe, "after": "of 2; or so"})


@pytest.mark.requirement("B5")
@pytest.mark.parametrize(
    "probe",
    [
        "'\xa0OR\xa0'1'='1",
        "\uff07 OR \uff071\uff07=\uff071",
        "' O\u200bR '1'='1",
        "' O\xadR '1'='1",
        "%27%20OR%20%271%27%3D%271",
    ],
    ids=ascii,
)
def test_a_probe_in_disguise_is_one(probe: str) -> None:
    assert is_probe({"value": probe})


@pytest.mark.requirement("B5")
@pytest.mark.parametrize(
    "text", ["1 or select all", "2 and exists already", "3 or ascii art", "'origin' = 'EU'", "' and substring matching"]
)
def test_words_of_a_query_are_no_query(text: str) -> None:
    assert not is_probe({"value": text})


@pytest.mark.requirement("B5")
def test_many_values_and_deep_ones_cost_no_more_than_the_nearest() -> None:
    deep: Any = "' or '1'='1"
    for _ in range(5_000):
        deep = [deep]
    assert not is_probe({"deep": deep, "wide": ["fine"] * 200_000})
    assert is_probe({"wide": ["fine"] * 200_000, "value": "' or '1'='1"})

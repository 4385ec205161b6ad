"""What stands in for a sliding window where a language sees only the event so many before, tried on random moments.

No engine for SPL, Kusto or ES|QL runs here, so what their queries do is done in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siem.golden import Event, corpus, golden
from siem.languages import elastic
from siem.proof.asking import time_of
from siem.proof.matchers import dsl, lucene
from siem.rule import Rule
from siem.sources import rules

pytestmark = pytest.mark.requirement("E12")

SPAN_S, AT_LEAST = 60, 3

Row = tuple[int, str]
"""When, in seconds, and the value that is counted; all rows are of one group, oldest first."""

rows = st.lists(st.tuples(st.integers(0, 200), st.sampled_from("abc")), max_size=12).map(sorted)


def window(of: Sequence[Row], last: int) -> Sequence[Row]:
    """What the rule means: the events up to the last one that lie no further back than the span."""
    return [row for row in of[: last + 1] if of[last][0] - row[0] <= SPAN_S]


@given(rows)
def test_so_many_events_back_is_the_same_as_so_many_in_the_window(of: list[Row]) -> None:
    back = AT_LEAST - 1
    found = [last for last in range(back, len(of)) if of[last][0] - of[last - back][0] <= SPAN_S]
    assert found == [last for last in range(len(of)) if len(window(of, last)) >= AT_LEAST]


@given(rows)
def test_two_values_are_in_a_window_where_neighbours_within_it_differ(of: list[Row]) -> None:
    pairs = list(pairwise(of))
    found = any(row[1] != following[1] and following[0] - row[0] <= SPAN_S for row, following in pairs)
    assert found is any(len({value for _, value in window(of, last)}) > 1 for last in range(len(of)))


@given(rows)
def test_a_change_within_the_window_completes_it(of: list[Row]) -> None:
    for last, (row, following) in enumerate(pairwise(of), 1):
        if row[1] != following[1] and following[0] - row[0] <= SPAN_S:
            assert len({value for _, value in window(of, last)}) > 1


@given(rows)
def test_slices_of_a_group_pair_each_event_with_the_one_so_many_later(of: list[Row]) -> None:
    back = AT_LEAST - 1
    if len(of) >= AT_LEAST:
        firsts, lasts = of[0 : len(of) - AT_LEAST + 1], of[back : len(of)]
        pairs = enumerate(zip(firsts, lasts, strict=True), back)
        esql = [place for place, (first, last) in pairs if last[0] - first[0] <= SPAN_S]
        assert esql == [last for last in range(len(of)) if len(window(of, last)) >= AT_LEAST]


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.window is not None], ids=lambda rule: rule.name)
def test_what_was_planted_is_found_so(rule: Rule) -> None:
    span = rule.window
    assert span is not None
    counts = dsl.compiled(lucene.to_dsl(elastic.lucene(rule)))
    groups: dict[tuple[Any, ...], list[Event]] = {}
    for event in filter(counts, sorted(corpus(), key=lambda event: (time_of(event), event.get("seq", 0)))):
        if all(key in event for key in (*span.group_by, *((span.counted,) if span.counted else ()))):
            groups.setdefault(tuple(event[key] for key in span.group_by), []).append(event)
    pairs = [pair for of in groups.values() for pair in zip(of, of[span.at_least - 1 :], strict=False)]
    within = [pair for pair in pairs if (time_of(pair[1]) - time_of(pair[0])).total_seconds() <= span.timespan_s]
    found = {
        last["event_id"] for first, last in within if not span.counted or first[span.counted] != last[span.counted]
    }
    planted = golden()[rule.name].matches
    assert found == planted if span.counted is None else found <= planted
    group_of = {event["event_id"]: group for group, of in groups.items() for event in of}
    assert {group_of[one] for one in found} == {group_of[one] for one in planted}

"""What stands in for a sliding window where a language has none, tried on random moments.

No engine for Kusto or ES|QL runs here, so the steps of the queries are taken in Python, in the queries' order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.requirement("E12")

SPAN_S, AT_LEAST = 60, 3

Row = tuple[int, str]
"""When, in seconds, and the value that is counted; all rows are of one group, oldest first."""

rows = st.lists(st.tuples(st.integers(0, 200), st.sampled_from("abc")), max_size=12).map(sorted)


def window(of: Sequence[Row], last: int) -> Sequence[Row]:
    """What the rule means: the events up to the last one that lie no further back than the span."""
    return [row for row in of[: last + 1] if of[last][0] - row[0] <= SPAN_S]


@given(rows)
def test_as_many_events_before_is_the_same_as_so_many_in_the_window(of: list[Row]) -> None:
    back = AT_LEAST - 1
    kusto = [last for last in range(len(of)) if last >= back and of[last][0] - of[last - back][0] <= SPAN_S]
    assert kusto == [last for last in range(len(of)) if len(window(of, last)) >= AT_LEAST]


@given(rows)
def test_ends_of_runs_tell_all_other_values_of_the_window(of: list[Row]) -> None:
    ends = [row for row, following in pairwise([*of, (0, "")]) if row[1] != following[1]]
    kusto = [{end[1] for end in ends if 0 <= row[0] - end[0] <= SPAN_S and end[1] != row[1]} for row in of]
    later = [{one[1] for one in of[last + 1 :] if one[0] == row[0]} for last, row in enumerate(of)]
    meant = [{one[1] for one in window(of, last)} - {row[1]} for last, row in enumerate(of)]
    for found, wanted, same_moment in zip(kusto, meant, later, strict=True):
        assert wanted <= found <= wanted | same_moment


@given(rows)
def test_neighbours_with_different_values_are_there_when_two_values_are(of: list[Row]) -> None:
    esql = any(row[1] != following[1] and following[0] - row[0] <= SPAN_S for row, following in pairwise(of))
    assert esql is any(len({value for _, value in window(of, last)}) > 1 for last in range(len(of)))


@given(rows)
def test_slices_of_a_group_pair_each_event_with_the_one_so_many_later(of: list[Row]) -> None:
    back = AT_LEAST - 1
    if len(of) >= AT_LEAST:
        firsts, lasts = of[0 : len(of) - AT_LEAST + 1], of[back : len(of)]
        pairs = enumerate(zip(firsts, lasts, strict=True), back)
        esql = [place for place, (first, last) in pairs if last[0] - first[0] <= SPAN_S]
        assert esql == [last for last in range(len(of)) if len(window(of, last)) >= AT_LEAST]

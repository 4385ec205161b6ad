"""What stands in for a sliding window where a language sees only the event so many before, tried on random moments.

No engine for SPL, Kusto or ES|QL runs here, so what their queries do is done in Python.
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

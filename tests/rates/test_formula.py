"""Memory, SQL and Lua answer alike: by one table of cases, and by whatever hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatetrail.limits import Limit, Taking
from tests.rates.cases import CASES, EPOCH_S
from tests.rates.keepers import Keeper

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("B8", "B9")]

KEYS = ("ann", "bob", "server")
LIMITS = [
    Limit(1.0, 1.0), Limit(10.0, 3.0), Limit(0.3, 2.5), Limit(7.7, 7.7 * 3), Limit(1e-6, 1.0), Limit(1e9, 1e9),
]  # fmt: skip


def test_the_table(keeper: Keeper) -> None:
    """In one test, since each has to connect once only."""
    for name, steps in CASES.items():
        keeper.forget()
        answers = [keeper.take([step.wanted], step.at_s) for step in steps]
        assert (name, answers) == (name, [[step.wait_ms] for step in steps])


def test_calls_of_one_question_are_answered_one_after_the_other(keeper: Keeper) -> None:
    for name, steps in CASES.items():
        keeper.forget()
        began_s, at_once = next((at_s, [*same]) for at_s, same in groupby(steps, lambda step: step.at_s))
        answers = keeper.take([step.wanted for step in at_once], began_s)
        assert (name, answers) == (name, [step.wait_ms for step in at_once])


@st.composite
def questions(draw: st.DrawFn) -> list[tuple[float, list[list[Taking]]]]:
    """Calls that are asked together, at moments that mostly go on and sometimes step back."""
    now_s = draw(st.sampled_from([1.0, EPOCH_S]))
    asked: list[tuple[float, list[list[Taking]]]] = []
    for _ in range(draw(st.integers(1, 8))):
        now_s += draw(st.sampled_from([0.0, 0.001, 0.1, 1 / 3, 1.0]) | st.floats(-0.5, 2.0))
        calls = [
            [Taking(key, draw(st.sampled_from(LIMITS))) for key in draw(st.sets(st.sampled_from(KEYS), min_size=1))]
            for _ in range(draw(st.integers(1, 5)))
        ]
        asked.append((max(now_s, 0.0), calls))
    return asked


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=questions())
def test_all_three_agree_to_the_last_bit(
    three: list[Keeper], asked: Sequence[tuple[float, list[list[Taking]]]]
) -> None:
    began_s = asked[0][0]
    first = [[Taking(key, LIMITS[0])] for key in KEYS]
    for keeper in three:
        keeper.forget()
        # From here on no bucket is unknown: one that is full may be forgotten, and then fills the next limit.
        assert keeper.take(first, began_s) == [0] * len(KEYS)
    for at_s, calls in asked:
        waits, *others = [keeper.take(calls, at_s) for keeper in three]
        assert others == [waits, waits]
        for key in KEYS:
            level, *levels = [keeper.level(key, at_s) for keeper in three]
            assert levels == [level, level]

"""How a sink is, judged by what is, not by the absence of errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatetrail.clock import rfc3339
from gatetrail.delivery.sink import CursorState
from gatetrail.delivery.sink_health import SinkHealth, health_of

pytestmark = pytest.mark.requirement("E10")

NOW_S = 1_767_225_600


def ago(seconds: float) -> str:
    return rfc3339(round((NOW_S - seconds) * 1_000_000))


FINE = CursorState(
    sink_name="siem",
    seq=100,
    head_seq=100,
    owned=True,
    acknowledged_at=ago(3),
    moved_at=ago(3),
    waiting_since=None,
    last_error=None,
    failing_since=None,
    failure_told=False,
    quarantined_count=0,
    exported_count=100,
    looked_at=ago(0),
)


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({}, SinkHealth.HEALTHY),
        ({"moved_at": ago(86_400)}, SinkHealth.HEALTHY),
        ({"head_seq": 101, "waiting_since": ago(0.01), "moved_at": ago(86_400)}, SinkHealth.HEALTHY),
        ({"head_seq": 90_000, "waiting_since": ago(4), "moved_at": ago(0.1)}, SinkHealth.HEALTHY),
        ({"head_seq": 90_000, "waiting_since": ago(40), "moved_at": ago(0.1)}, SinkHealth.BEHIND),
        ({"head_seq": 101, "waiting_since": ago(61), "moved_at": ago(61)}, SinkHealth.STUCK),
        ({"head_seq": 101, "waiting_since": ago(61), "moved_at": ago(59)}, SinkHealth.BEHIND),
        ({"head_seq": 101, "waiting_since": None, "moved_at": ago(61)}, SinkHealth.STUCK),
        ({"head_seq": 101, "waiting_since": ago(-3), "moved_at": ago(86_400)}, SinkHealth.HEALTHY),
        ({"head_seq": 101, "waiting_since": ago(-3_600), "moved_at": ago(61)}, SinkHealth.STUCK),
        ({"head_seq": 50, "moved_at": ago(61)}, SinkHealth.STUCK),
        ({"failing_since": ago(1), "last_error": "no"}, SinkHealth.FAILING),
        ({"owned": False}, SinkHealth.UNOWNED),
        ({"owned": False, "failing_since": ago(1), "last_error": "no"}, SinkHealth.UNOWNED),
    ],
)
def test_it_is_the_worst_that_is_true(over: dict[str, Any], expected: SinkHealth) -> None:
    assert health_of(replace(FINE, **over)) is expected


def test_lag_is_the_distance_from_the_head_and_never_negative() -> None:
    assert (replace(FINE, head_seq=142).lag, replace(FINE, head_seq=50).lag) == (42, 0)

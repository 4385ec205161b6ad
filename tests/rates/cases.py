"""The formula as one table: what each call is answered, whoever keeps the buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatetrail.limits import Limit, Taking

ONE, TEN, SLOW = Limit(1.0, 1.0), Limit(10.0, 10.0), Limit(1e-6, 1.0)
SMOOTH = Limit(10.0, 1.0)
BURST = Limit(1.0, 3.0)
EPOCH_S = 1_764_000_000.0
"""About now, where floats have steps of a quarter of a microsecond."""


def wants(*keys: str, of: Limit = ONE) -> Sequence[Taking]:
    return [Taking(key, of) for key in keys]


@dataclass(frozen=True, slots=True)
class Step:
    """A call at a moment, and its wait in milliseconds; 0 when it has taken."""

    at_s: float
    wanted: Sequence[Taking]
    wait_ms: int


def steps(limit: Limit, *answers: tuple[float, int]) -> Sequence[Step]:
    """Calls on one bucket."""
    return [Step(at_s, wants("ann", of=limit), wait_ms) for at_s, wait_ms in answers]


CASES: Mapping[str, Sequence[Step]] = {
    "a new bucket is full": steps(BURST, (0, 0), (0, 0), (0, 0), (0, 1000)),
    "a token comes exactly after its wait": steps(ONE, (5, 0), (5, 1000), (5.999, 1), (6, 0)),
    "no more than the capacity comes back": steps(BURST, (0, 0), (1000, 0), (1000, 0), (1000, 0), (1000, 1000)),
    "refill is smooth": steps(SMOOTH, (0, 0), (0.05, 50), (0.1, 0), (0.15, 50), (0.2, 0), (0.3, 0)),
    "a third of a token is waited for to the next millisecond": steps(Limit(3.0, 1.0), (0, 0), (0, 334), (0.334, 0)),
    "a denied call takes nothing": steps(ONE, (0, 0), (0.5, 500), (0.9, 100), (1, 0)),
    "time that runs back gives nothing": steps(ONE, (10, 0), (5, 6000), (10.999, 1), (11, 0)),
    "time that runs back takes nothing": steps(BURST, (10, 0), (5, 0), (5, 0), (5, 6000), (11, 0)),
    "a step back and forth gives nothing twice": steps(ONE, (10, 0), (11, 0), (10, 2000), (11, 1000), (12, 0)),
    "the slowest rate has a whole wait": steps(SLOW, (0, 0), (0, 1_000_000_000)),
    # A tenth of a second is a little less there, so that a token is in after 100 ms and a quarter of a microsecond.
    "the epoch of today": steps(TEN, *([(EPOCH_S, 0)] * 10), (EPOCH_S, 101), (EPOCH_S + 0.101, 0)),
    "all buckets of a call are taken or none": [
        Step(0, wants("server"), 0),
        Step(0, [*wants("ann", of=BURST), *wants("server")], 1000),
        Step(0, wants("ann", of=BURST), 0),
        Step(0, wants("ann", of=BURST), 0),
        Step(0, wants("ann", of=BURST), 0),
        Step(0, wants("ann", of=BURST), 1000),
    ],
    "the longest wait is told": [
        Step(0, wants("fast", of=SMOOTH), 0),
        Step(0, wants("slow"), 0),
        Step(0, [*wants("fast", of=SMOOTH), *wants("slow")], 1000),
        Step(0, [*wants("slow"), *wants("fast", of=SMOOTH)], 1000),
        Step(1, [*wants("slow"), *wants("fast", of=SMOOTH), *wants("third")], 0),
        Step(1, wants("third"), 1000),
    ],
    "a slower rate keeps what is in": [
        *steps(TEN, *([(0, 0)] * 8)),
        *steps(ONE, (0, 0), (0, 1000)),
    ],
    "a faster rate keeps what is in": [
        *steps(ONE, (0, 0), (0.5, 500)),
        *steps(TEN, (0.5, 50), (0.55, 0), (0.55, 100)),
    ],
    "a larger bucket is not full at once": [
        *steps(ONE, (0, 0)),
        *steps(Limit(1.0, 100.0), (1, 0), (1, 1000)),
    ],
    "what was filled before a change was filled by the old rate": [
        *steps(TEN, *([(0, 0)] * 10)),
        *steps(Limit(1.0, 10.0), (0.5, 0), (0.5, 0), (0.5, 0), (0.5, 0), (0.5, 0), (0.5, 1000)),
    ],
    "a change counts for a denied call as well": [
        *steps(BURST, (0, 0), (0, 0), (0, 0)),
        *steps(TEN, (0, 100)),
        *steps(BURST, (0.05, 500)),
    ],
}

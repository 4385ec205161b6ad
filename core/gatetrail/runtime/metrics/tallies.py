"""What happens, counted at hardly any cost: plain numbers of one event loop, which others read when they are asked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from gatetrail.gates.decision import Decision
from gatetrail.words import ExecutionStatus, GateName

DECISION_S = (5e-6, 1e-5, 2e-5, 4e-5, 6e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3)
"""Upper bounds for what the four gates take."""
ADMISSION_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""For what a call waits before its handler runs, and for commits."""
CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""For what handlers take."""


class Durations:
    """How many durations lay between the bounds, and their sum."""

    __slots__ = ("bounds", "counts", "total_s")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total_s = 0.0

    def add(self, duration_s: float) -> None:
        """Count one; a duration that equals a bound counts below it."""
        self.counts[bisect_left(self.bounds, duration_s)] += 1
        self.total_s += duration_s


class RateTallies:
    """`RateObserver` that counts."""

    def __init__(self) -> None:
        self.outcomes = {"taken": 0, "short": 0, "away": 0}
        """`short`: the store had no token; `away`: it was not asked, or did not answer."""
        self.asked = Durations(ADMISSION_S)

    def taken(self, wait_ms: int, took_s: float) -> None:
        self.outcomes["short" if wait_ms else "taken"] += 1
        self.asked.add(took_s)

    def away(self) -> None:
        self.outcomes["away"] += 1


class Tallies:
    """`Observer` that counts. Everything is since this process opened its gate."""

    def __init__(self) -> None:
        self.rates = RateTallies()
        self.allowed = 0
        self.denied: dict[GateName, int] = {gate: 0 for gate in GateName if gate is not GateName.NONE}
        self.decision = Durations(DECISION_S)
        self.admission = Durations(ADMISSION_S)
        self.commit = Durations(ADMISSION_S)
        self.calls = {status: Durations(CALL_S) for status in OUTCOMES}

    def decided(self, decision: Decision, execution_id: str, took_s: float) -> None:  # noqa: ARG002
        if decision.allowed:
            self.allowed += 1
        else:
            self.denied[decision.gate] += 1
        self.decision.add(decision.decision_us / 1_000_000)
        self.admission.add(took_s)

    def completed(self, status: ExecutionStatus, latency_s: float) -> None:
        self.calls[status].add(latency_s)

    def committed(self, event_count: int, duration_s: float) -> None:  # noqa: ARG002
        self.commit.add(duration_s)


OUTCOMES = (ExecutionStatus.SUCCESS, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)
"""How an admitted call can end."""

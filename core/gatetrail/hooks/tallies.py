"""What hooks have done in this process, as plain numbers of one event loop, for metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from gatetrail.policy.hooks import HookMoment


class HookOutcome(StrEnum):
    """How one run ended."""

    PASSED = "passed"
    DENIED = "denied"
    FAILED = "failed"
    DROPPED = "dropped"
    """It never ran: too many waited, or the service ended."""


@dataclass(slots=True)
class HookTallies:
    """Since this process opened its gate."""

    runs: Counter[tuple[HookMoment, HookOutcome]] = field(default_factory=Counter[tuple[HookMoment, HookOutcome]])
    run_s: dict[HookMoment, float] = field(default_factory=dict[HookMoment, float])
    """What runs took together, in seconds; dropped ones nothing."""

    def add(self, moment: HookMoment, outcome: HookOutcome, took_s: float = 0.0, count: int = 1) -> None:
        self.runs[moment, outcome] += count
        self.run_s[moment] = self.run_s.get(moment, 0.0) + took_s

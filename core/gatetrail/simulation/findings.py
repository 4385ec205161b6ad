"""What a simulation has found, counted as it goes: memory does not grow with the record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeVar

from gatetrail.simulation.doubts import Doubt
from gatetrail.simulation.recorded import Recorded
from gatetrail.simulation.simulator import Change, Outcome

MAX_GROUPS = 10_000
"""Of callers, tools or reasons; further ones are counted together."""
OTHERS = "(others)"
Key = TypeVar("Key")
EXAMPLES = 3
"""For each pair of reasons."""
MAX_EXAMPLE_GROUPS = 100

TOLD = (Change.NEWLY_DENIED, Change.NEWLY_ALLOWED, Change.OTHER_REASON)
"""What is told one by one; of the rest only how many there are."""

ASSUMPTIONS = (
    "Who somebody was, and what his token granted, is taken as it was judged then: `identity` is not tried.",
    "Rates, bursts, enumeration and lock-outs count recorded decisions, by their recorded times, from full buckets on.",
    "All processes are taken to share their buckets.",
    "Lists, pings and handshakes that passed, and requests that became no call, leave no decision and are not counted.",
    "Request paths, and user agents that redaction hides, are not in the record and are taken to be no probes.",
    "Hooks are not run.",
)
"""What everything that is told rests upon."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """What a decision was, and what it would have been."""

    before_gate: str
    before_reason_code: str
    gate: str
    reason_code: str
    rule_id: str | None


OTHER_REASONS = Reasons(OTHERS, OTHERS, OTHERS, OTHERS, None)


@dataclass(frozen=True, slots=True)
class Example:
    """One decision that would have been another."""

    execution_id: str
    timestamp: str
    user_id: str | None
    src_ip: str | None
    server_name: str
    tool_name: str
    before_reason: str
    reason: str


class Findings:
    """Counts outcomes."""

    def __init__(self) -> None:
        self.changes: Counter[Change] = Counter()
        self.doubts: Counter[Doubt] = Counter()
        self.policy_versions: Counter[str] = Counter()
        """Under which the decisions were made."""
        self.reasons: dict[Change, Counter[Reasons]] = {change: Counter() for change in TOLD}
        self.callers: dict[Change, Counter[str]] = {change: Counter() for change in TOLD}
        self.tools: dict[Change, Counter[str]] = {change: Counter() for change in TOLD}
        self.examples: dict[tuple[Change, Reasons], list[Example]] = {}
        self.first_at: str | None = None
        self.last_at: str | None = None
        self.unreadable_count = 0

    @property
    def count(self) -> int:
        """Decisions that were looked at."""
        return self.changes.total()

    @property
    def is_the_same(self) -> bool:
        """True when nothing is newly denied or newly allowed, of what can be told."""
        return not (self.changes[Change.NEWLY_DENIED] or self.changes[Change.NEWLY_ALLOWED])

    def add(self, one: Recorded, outcome: Outcome) -> None:
        """Count one decision."""
        keys = one.keys
        timestamp: str = keys["@timestamp"]
        self.first_at = min(self.first_at or timestamp, timestamp)
        self.last_at = max(self.last_at or timestamp, timestamp)
        self.changes[outcome.change] += 1
        _raise(self.policy_versions, one.policy_version, OTHERS)
        if outcome.doubt is not None:
            self.doubts[outcome.doubt] += 1
        if outcome.change not in TOLD:
            return
        reasons = Reasons(one.gate, one.reason_code, outcome.gate, outcome.reason_code, outcome.rule_id)
        _raise(self.reasons[outcome.change], reasons, OTHER_REASONS)
        _raise(self.callers[outcome.change], caller_of(keys.get("user_id"), keys.get("src_ip")), OTHERS)
        _raise(self.tools[outcome.change], f"{keys['server_name']}/{keys['tool_name']}", OTHERS)
        self._keep(one, outcome, reasons)

    def _keep(self, one: Recorded, outcome: Outcome, reasons: Reasons) -> None:
        place = (outcome.change, reasons)
        if place not in self.examples and len(self.examples) >= MAX_EXAMPLE_GROUPS:
            return
        kept = self.examples.setdefault(place, [])
        if len(kept) >= EXAMPLES:
            return
        keys = one.keys
        kept.append(
            Example(
                keys["execution_id"],
                keys["@timestamp"],
                keys.get("user_id"),
                keys.get("src_ip"),
                keys["server_name"],
                keys["tool_name"],
                one.reason,
                outcome.reason,
            )
        )


def caller_of(user_id: str | None, src_ip: str | None) -> str:
    """Who asked, as far as anybody knows."""
    return user_id or f"anonymous from {src_ip or 'this process'}"


def _raise(counter: Counter[Key], key: Key, others: Key) -> None:
    counter[key if key in counter or len(counter) < MAX_GROUPS else others] += 1

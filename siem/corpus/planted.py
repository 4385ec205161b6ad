"""What the script says that each rule has to find, and what it must not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

RULES = (
    "call_denied",
    "rate_limited",
    "rate_limited_often",
    "scanner_probe",
    "scanner_probes_by_address",
    "tier_too_low",
    "denied_burst_then_allowed",
    "tool_new_for_user",
    "admin_tool_first_used",
    "execution_orphaned",
    "call_without_outcome",
    "session_of_another_user",
    "session_with_several_clients",
    "session_from_several_addresses",
    "impossible_travel",
    "tool_denied_often",
    "admin_call_off_hours",
    "policy_changed",
    "allowed_after_policy_change",
    "trace_events",
    "audit_trouble",
    "journal_gap",
    "record_silent",
)
"""In the order of the questions."""
EXPECTED = "each of them is what the script expected there"


@dataclass(slots=True)
class _Rule:
    cases: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    near_misses: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class Planted:
    """Of the whole script."""

    def __init__(self) -> None:
        self._rules: dict[str, _Rule] = defaultdict(_Rule)
        self._broad: dict[str, list[str]] = defaultdict(list)
        self._more: dict[str, dict[str, str]] = {}

    def case(self, rule: str, event_ids: Iterable[str], why: str) -> None:
        """Events that a rule has to find, each for itself."""
        self._rules[_known(rule)].cases.append({"event_ids": list(event_ids), "why": why})

    def near_miss(self, rule: str, event_ids: Iterable[str], why: str) -> None:
        """Events that it must not find."""
        self._rules[_known(rule)].near_misses.append({"event_ids": list(event_ids), "why": why})

    def broad(self, rule: str, event_id: str) -> None:
        """An event that a rule finds for itself alone, whatever was before it."""
        self._broad[_known(rule)].append(event_id)

    def say(self, rule: str, **more: str) -> None:
        """What an engine has to know besides."""
        self._more[_known(rule)] = more

    def as_json(self) -> bytes:
        """By rule, as `siem.golden` reads it."""
        return orjson.dumps({rule: self._of(rule) for rule in RULES}, option=orjson.OPT_INDENT_2) + b"\n"

    def _of(self, rule: str) -> dict[str, Any]:
        found = self._rules[rule]
        if rule in self._broad:
            found.cases.append({"event_ids": self._broad[rule], "why": EXPECTED})
        matches = sorted({one for case in found.cases for one in case["event_ids"]})
        wrong = {one for miss in found.near_misses for one in miss["event_ids"]} & {*matches}
        if wrong or not matches or not found.near_misses:
            raise ValueError(f"{rule}: {len(matches)} matches, {len(found.near_misses)} near misses, both: {wrong}")
        return {**self._more.get(rule, {}), "matches": matches, "cases": found.cases, "near_misses": found.near_misses}


def _known(rule: str) -> str:
    if rule not in RULES:
        raise ValueError(f"there is no rule {rule}")
    return rule

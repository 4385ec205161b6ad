"""What a COUNT or DISTINCT rule counts, said by hand once more: for languages that can ask for nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from siem.golden import Event

Counted = Callable[[Event], bool]


def _denied(event: Event, gates: frozenset[str]) -> bool:
    return _decided(event, "deny") and event.get("gate") in gates


def _decided(event: Event, decision: str) -> bool:
    return event.get("event_name") == "tool_call.decided" and event.get("decision") == decision


def _probe(event: Event) -> bool:
    names = {"tool_call.decided", "scanner.detected"}
    return event.get("event_name") in names and event.get("decision") == "deny" and event.get("gate") == "scanner"


COUNTED: Mapping[str, Counted] = {
    "rate_limited_often": lambda event: _denied(event, frozenset({"rate_limit"})),
    "scanner_probes_by_address": _probe,
    "session_with_several_clients": lambda event: _decided(event, "allow"),
    "session_from_several_addresses": lambda event: _decided(event, "allow"),
    "tool_denied_often": lambda event: _denied(event, frozenset({"scope", "blocklist", "hook"})),
}
"""By rule."""


def counted(rule_name: str, events: Sequence[Event]) -> Sequence[Event]:
    """Those of the events that the rule counts, whatever their group."""
    counts = COUNTED[rule_name]
    return [event for event in events if counts(event)]

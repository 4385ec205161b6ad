"""What the Sigma rules ask for, said by hand once more: which words of which keys, counted by what, within what time.

Mutants and the comparison of what is counted are made from this, not from the rules that they are to prove.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from siem.golden import Event, traced

ANYTHING = frozenset[str]()
"""The key has to be there, whatever it says."""
THE_TRACE = frozenset({"the trace of the golden file"})

Words = frozenset[str]
Alternative = Mapping[str, Words]
"""All of these keys say one of these words."""


@dataclass(frozen=True, slots=True)
class Counting:
    """So many in one group within a time that ends at each event; both ends belong to it."""

    group_by: tuple[str, ...]
    within_s: int
    at_least: int
    values_of: str | None = None
    """Not events are counted, but different values of this key."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """An event fits when one of the alternatives does."""

    alternatives: Sequence[Alternative]
    counting: Counting | None = None


def _say(**words: str) -> Alternative:
    return {key: frozenset(said.split()) for key, said in words.items()}


_DECIDED = "tool_call.decided"
_ALLOWED = _say(event_name=_DECIDED, decision="allow")
_RATE = _say(event_name=_DECIDED, decision="deny", gate="rate_limit")
_PROBE = _say(event_name=f"{_DECIDED} scanner.detected", decision="deny", gate="scanner")
_BY_POLICY = _say(event_name=_DECIDED, decision="deny", gate="scope blocklist hook")

MEANINGS: Mapping[str, Meaning] = {
    "call_denied": Meaning([_say(event_name=_DECIDED, decision="deny")]),
    "rate_limited": Meaning([_RATE]),
    "rate_limited_often": Meaning([_RATE], Counting(("user_id",), 3600, 20)),
    "scanner_probe": Meaning([_PROBE]),
    "scanner_probes_by_address": Meaning([_PROBE], Counting(("src_ip",), 300, 20)),
    "tier_too_low": Meaning(
        [_say(event_name=_DECIDED, decision="deny", reason_code="tier_too_low session_tier_too_low")]
    ),
    "execution_orphaned": Meaning([_say(event_name="execution.orphaned")]),
    "session_of_another_user": Meaning(
        [_say(event_name=f"{_DECIDED} identity.refused", reason_code="session_of_another_user")]
    ),
    "session_with_several_clients": Meaning([_ALLOWED], Counting(("session_id",), 86400, 2, "client_id")),
    "session_from_several_addresses": Meaning([_ALLOWED], Counting(("session_id",), 3600, 2, "src_ip")),
    "tool_denied_often": Meaning([_BY_POLICY], Counting(("server_name", "tool_name"), 3600, 25)),
    "policy_changed": Meaning([{**_say(event_name="policy.changed"), "previous_policy_version": ANYTHING}]),
    "trace_events": Meaning([{"trace_id": THE_TRACE}]),
    "audit_trouble": Meaning([_say(event_name="audit.gap audit.sink_failed"), _say(event_name=_DECIDED, gate="audit")]),
    "admin_call_off_hours": Meaning(
        [_say(event_name=_DECIDED, decision="allow", required_tier="admin", caller_type="admin user")]
    ),
}
"""By rule. Of `admin_call_off_hours` without the hours."""


def says(event: Event, key: str, words: Words) -> bool:
    """Whether the key says one of the words."""
    if words is ANYTHING:
        return key in event
    return event.get(key) == traced() if words is THE_TRACE else event.get(key) in words


def fits(event: Event, alternative: Alternative) -> bool:
    """Whether all its keys say what they have to."""
    return all(says(event, key, words) for key, words in alternative.items())


def counted(rule_name: str, events: Sequence[Event]) -> Sequence[Event]:
    """Those of the events that the rule counts, whatever their group."""
    return [event for event in events if any(fits(event, one) for one in MEANINGS[rule_name].alternatives)]

"""What each kind of event is to ECS, as conditions of an ingest pipeline; the words are the product's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from gatetrail.formats.ecs import categorized
from gatetrail.formats.keys import read
from gatetrail.formats.kinds import KINDS
from gatetrail.formats.outcomes import Outcome, outcome_of
from gatetrail.severity import SEVERITIES
from gatetrail.words import ExecutionStatus

CALLS = ("tool_call.decided", "tool_call.completed", "execution.orphaned")
"""Kinds whose outcome is that of their `execution_status`; a test holds that no other's is."""


def categories() -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """A condition, `event.category` and `event.type`, for each pair that there is; kinds without one are left out."""
    found: dict[tuple[Sequence[str], Sequence[str]], list[tuple[str, str | None]]] = {}
    for name, kind in sorted(KINDS.items()):
        allowed, denied = (categorized(kind, name, denied=no) for no in (False, True))
        if allowed == denied:
            found.setdefault(allowed, []).append((name, None))
        else:
            found.setdefault(allowed, []).append((name, "ctx.decision != 'deny'"))
            found.setdefault(denied, []).append((name, "ctx.decision == 'deny'"))
    for (category, types), of in sorted(found.items()):
        if category:
            yield _either(of), category, types


def outcomes() -> Iterator[tuple[str, str]]:
    """An outcome and when it is; what is in neither condition is unknown."""
    for outcome in (Outcome.SUCCESS, Outcome.FAILURE):
        names = [name for name in sorted(KINDS) if name not in CALLS and _outcome(name) is outcome]
        words = [word.value for word in ExecutionStatus if _outcome(CALLS[0], word.value) is outcome]
        calls = f"{listed(CALLS)}.contains(ctx.event_name) && {listed(words)}.contains(ctx.execution_status)"
        yield outcome.value, f"{listed(names)}.contains(ctx.event_name) || ({calls})"


def severities() -> Iterator[tuple[str, int]]:
    """A level and its number."""
    for level, severity in SEVERITIES.items():
        yield level.value, severity.ocsf_id


def listed(words: Sequence[str]) -> str:
    """As Painless writes a list of texts."""
    return f"[{', '.join(repr(word) for word in words)}]"


def _either(of: Sequence[tuple[str, str | None]]) -> str:
    always = [name for name, condition in of if condition is None]
    parts = [f"ctx.event_name == '{name}' && {condition}" for name, condition in of if condition is not None]
    if always:
        parts.insert(0, f"{listed(always)}.contains(ctx.event_name)")
    return parts[0] if len(parts) == 1 else " || ".join(f"({part})" for part in parts)


def _outcome(name: str, status: str | None = None) -> Outcome:
    keys = {"schema_version": "1.0", "event_name": name, "execution_status": status}
    return outcome_of(read(orjson.dumps(keys)))

"""The kinds of events as one closed list, so that every format has to say what each kind is to it."""

from __future__ import annotations

from enum import StrEnum
from typing import get_args

from gatetrail.events.model import Event, LifecycleReported


class Kind(StrEnum):
    """One for each class of `gatetrail.events.model.Event`; the value is the event's name, where it has only one."""

    TOOL_CALL_DECIDED = "tool_call.decided"
    TOOL_CALL_COMPLETED = "tool_call.completed"
    EXECUTION_ORPHANED = "execution.orphaned"
    SCANNER_DETECTED = "scanner.detected"
    IDENTITY_REFUSED = "identity.refused"
    IDENTITY_RESTRICTED = "identity.restricted"
    IDENTITY_RESTORED = "identity.restored"
    SESSION_STARTED = "session.started"
    SESSION_RESUMED = "session.resumed"
    SESSION_ENDED = "session.ended"
    MANIFEST_LISTED = "manifest.listed"
    POLICY_CHANGED = "policy.changed"
    POLICY_REJECTED = "policy.rejected"
    HOOK_RAN = "hook.ran"
    HOOK_FAILED = "hook.failed"
    RATE_STORE_FAILED = "rate_store.failed"
    RATE_STORE_RECOVERED = "rate_store.recovered"
    LIFECYCLE = "lifecycle"
    """All ten of them."""
    AUDIT_HEARTBEAT = "audit.heartbeat"
    AUDIT_CHECKPOINT = "audit.checkpoint"
    AUDIT_GAP = "audit.gap"
    AUDIT_SINK_FAILED = "audit.sink_failed"
    AUDIT_SINK_RECOVERED = "audit.sink_recovered"


def _kinds() -> dict[str, Kind]:
    """By event name. Fails at import when the union has a kind that is not in the list."""
    kinds: dict[str, Kind] = {}
    for model in get_args(get_args(Event)[0]):
        for name in get_args(model.model_fields["event_name"].annotation):
            kinds[name] = Kind.LIFECYCLE if model is LifecycleReported else Kind(name)
    return kinds


KINDS = _kinds()


def kind_of(event_name: str) -> Kind:
    """Raises ValueError for a name that is none of ours."""
    kind = KINDS.get(event_name)
    if kind is None:
        raise ValueError(f"its event_name {event_name[:64]!r} is none that this version knows")
    return kind

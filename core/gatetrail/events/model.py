"""The closed union of events. A new kind: a class beside its like, a line in `Event`, a `formats.kinds.Kind`."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from gatetrail.events.callers import (
    IdentityRefused,
    IdentityRestored,
    IdentityRestricted,
    LifecycleReported,
    ScannerDetected,
    SessionEnded,
    SessionResumed,
    SessionStarted,
)
from gatetrail.events.calls import ExecutionOrphaned, ManifestListed, ToolCallCompleted, ToolCallDecided
from gatetrail.events.classes import sensitive_keys
from gatetrail.events.governance import (
    HookFailed,
    HookRan,
    PolicyChanged,
    PolicyRejected,
    RateStoreFailed,
    RateStoreRecovered,
)
from gatetrail.events.trail import AuditCheckpoint, AuditGap, AuditHeartbeat, AuditSinkFailed, AuditSinkRecovered

__all__ = [
    "EVENT_ADAPTER",
    "SENSITIVE_KEYS",
    "AuditCheckpoint",
    "AuditGap",
    "AuditHeartbeat",
    "AuditSinkFailed",
    "AuditSinkRecovered",
    "Event",
    "ExecutionOrphaned",
    "HookFailed",
    "HookRan",
    "IdentityRefused",
    "IdentityRestored",
    "IdentityRestricted",
    "LifecycleReported",
    "ManifestListed",
    "PolicyChanged",
    "PolicyRejected",
    "RateStoreFailed",
    "RateStoreRecovered",
    "ScannerDetected",
    "SessionEnded",
    "SessionResumed",
    "SessionStarted",
    "ToolCallCompleted",
    "ToolCallDecided",
]

Event = Annotated[
    ToolCallDecided
    | ToolCallCompleted
    | ExecutionOrphaned
    | ScannerDetected
    | IdentityRefused
    | IdentityRestricted
    | IdentityRestored
    | SessionStarted
    | SessionResumed
    | SessionEnded
    | ManifestListed
    | PolicyChanged
    | PolicyRejected
    | HookRan
    | HookFailed
    | RateStoreFailed
    | RateStoreRecovered
    | LifecycleReported
    | AuditHeartbeat
    | AuditCheckpoint
    | AuditGap
    | AuditSinkFailed
    | AuditSinkRecovered,
    Field(discriminator="event_name"),
]

SENSITIVE_KEYS = sensitive_keys(get_args(get_args(Event)[0]))
"""The keys of all events that hold personal data."""

EVENT_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event of any kind from JSON or from a dict; raises pydantic's ValidationError."""

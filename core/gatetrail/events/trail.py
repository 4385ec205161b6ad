"""Events that the record tells of itself."""

from __future__ import annotations

from typing import Literal

from gatetrail.events.fields import Count, Identifier, Record, Sentence, ShortName


class AuditHeartbeat(Record):
    """The record is alive. Comes every minute, so that silence shows; counts are since the process started."""

    event_name: Literal["audit.heartbeat"] = "audit.heartbeat"
    allowed_count: Count
    """Calls allowed."""
    denied_count: Count
    """Calls denied."""
    completed_count: Count
    """Outcomes recorded."""
    exported_count: Count
    """Events that sinks have acknowledged."""
    policy_version: ShortName | None = None
    """The policy in force in this process; absent for one that decides nothing."""


class AuditCheckpoint(Record):
    """A signed statement of the chain's head at one moment."""

    event_name: Literal["audit.checkpoint"] = "audit.checkpoint"
    checkpoint_seq: Count
    """`seq` of the event that the statement is about."""
    checkpoint_hash: ShortName
    """`event_hash` of that event."""
    key_id: ShortName
    """The key that signed."""
    signature: Identifier
    """Over chain, position and hash."""


class AuditGap(Record):
    """A reader was too slow or a record is missing: events between the two positions were not delivered."""

    event_name: Literal["audit.gap"] = "audit.gap"
    sink_name: ShortName
    """The reader."""
    first_missing_seq: Count
    """The first position that was not delivered."""
    last_missing_seq: Count
    """The last one."""
    reason: Sentence
    """Why, as a sentence."""


class AuditSinkFailed(Record):
    """A sink takes no events, or refused one for ever."""

    event_name: Literal["audit.sink_failed"] = "audit.sink_failed"
    sink_name: ShortName
    """The sink, by its name in the settings."""
    cursor_seq: Count
    """Everything up to here has been acknowledged or put aside."""
    reason: Sentence
    """What went wrong, as a sentence."""
    quarantined_seq: Count | None = None
    """The event that was put aside; absent when all of them wait."""


class AuditSinkRecovered(Record):
    """A failed sink takes events again."""

    event_name: Literal["audit.sink_recovered"] = "audit.sink_recovered"
    sink_name: ShortName
    """The sink, by its name in the settings."""
    cursor_seq: Count
    """Everything up to here has been acknowledged or put aside."""

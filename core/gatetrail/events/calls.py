"""Events of calls: what was decided, how it ended, what a caller was shown."""

from __future__ import annotations

from typing import Literal

from gatetrail.events.fields import CallKeys, Count, DecisionKeys, Identifier, Milliseconds, Record, ShortName, TierWord
from gatetrail.words import ExecutionStatus


class ToolCallDecided(DecisionKeys):
    """The gates have answered. Committed before the handler may run; `execution_status` is pending or denied."""

    event_name: Literal["tool_call.decided"] = "tool_call.decided"


class ToolCallCompleted(CallKeys):
    """The handler has ended: success, failed or timeout."""

    event_name: Literal["tool_call.completed"] = "tool_call.completed"
    decision: Literal["allow"] = "allow"
    """Only an allowed call has an outcome."""
    policy_version: ShortName
    """Which policy had decided."""
    execution_status: ExecutionStatus
    """How it ended: success, failed or timeout."""
    latency_ms: Milliseconds
    """From the commit of the decision to the end of the handler, in milliseconds."""
    error_class: Identifier | None = None
    """What went wrong, as a class to group by. Absent after a success."""


class ExecutionOrphaned(Record):
    """A pending call that nobody will finish: its process died, or its agent never told how it ended."""

    event_name: Literal["execution.orphaned"] = "execution.orphaned"
    execution_id: Identifier
    """The decision whose call was left pending."""
    server_name: ShortName
    """The MCP server of the call."""
    tool_name: Identifier
    """The tool of the call."""
    execution_status: Literal["failed"] = "failed"
    """How the sweep closed it."""
    error_class: Literal["orphaned"] = "orphaned"
    """Always the same: nobody knows how far the handler came."""
    orphaned_instance_id: Identifier
    """The process that had decided on it."""


class ManifestListed(Record):
    """A caller was shown a list of tools, resources or prompts."""

    event_name: Literal["manifest.listed"] = "manifest.listed"
    server_name: ShortName
    """The MCP server whose list it was."""
    method: ShortName
    """The MCP method, for instance `tools/list`."""
    actual_tier: TierWord
    """The caller's tier."""
    shown_count: Count
    """Entries that the caller was shown."""
    hidden_count: Count
    """Entries that the caller may not use and was not shown."""
    policy_version: ShortName
    """Which policy decided."""

"""The closed lists of words that deciding and telling share; each value is what stands in every record."""

from __future__ import annotations

from enum import StrEnum


class GateName(StrEnum):
    """Who denied. The first four run in this order; `none` means that nobody did."""

    SCOPE = "scope"
    SCANNER = "scanner"
    BLOCKLIST = "blocklist"
    RATE_LIMIT = "rate_limit"
    HOOK = "hook"
    AUDIT = "audit"
    NONE = "none"


class ReasonCode(StrEnum):
    """Why, as one word of a closed list."""

    ALLOWED = "allowed"
    TIER_TOO_LOW = "tier_too_low"
    SESSION_TIER_TOO_LOW = "session_tier_too_low"
    """The token alone would do, the session that it came in on was opened with less."""
    SCOPE_MISSING = "scope_missing"
    AUDIENCE_WRONG = "audience_wrong"
    DEPARTMENT_WRONG = "department_wrong"
    UNKNOWN_SERVER = "unknown_server"
    UNKNOWN_TOOL = "unknown_tool"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    IDENTITY_REFUSED = "identity_refused"
    SESSION_OF_ANOTHER_USER = "session_of_another_user"
    PROBE_PATH = "probe_path"
    SCANNER_AGENT = "scanner_agent"
    BURST = "burst"
    ENUMERATION = "enumeration"
    """More different names that do not exist, or that are hidden, than anybody asks for by mistake."""
    PROBE_ARGUMENT = "probe_argument"
    LOCKED_OUT = "locked_out"
    """After too many probes: nothing is looked at until the wait is over."""
    BLOCKED = "blocked"
    RATE_EXCEEDED = "rate_exceeded"
    RATE_STORE_AWAY = "rate_store_away"
    """The processes' shared buckets cannot be asked, and the settings say to deny then."""
    HOOK_DENIED = "hook_denied"
    HOOK_FAILED = "hook_failed"
    """A hook that has to agree gave no answer."""
    AUDIT_UNAVAILABLE = "audit_unavailable"


class GateOutcome(StrEnum):
    """What one gate did in one decision."""

    PASS = "pass"
    DENY = "deny"
    SKIPPED = "skipped"
    """An earlier gate had denied already."""


class ExecutionStatus(StrEnum):
    """Where one decided call stands. `denied` and `pending` come from the decision, the others from the outcome."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"
    TIMEOUT = "timeout"
    DENIED = "denied"


class Level(StrEnum):
    """How loud an event is; the order is from quiet to loud."""

    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Sensitivity(StrEnum):
    """What a value may tell about people and systems."""

    PUBLIC = "public"
    SENSITIVE = "sensitive"
    """Personal data: who somebody is, where from, what about."""
    SECRET = "secret"
    """What opens something. Never written in clear."""


class Action(StrEnum):
    """What is done to a value before it is written."""

    KEEP = "keep"
    MASK = "mask"
    """A mark stands in its place."""
    HASH = "hash"
    """Its keyed hash stands in its place, so that equal values can still be found."""
    DROP = "drop"
    """It is left out."""

r"""An event in ArcSight's Common Event Format, version 0.

    CEF:0|Gatetrail|Gatetrail|VERSION|EVENT_NAME:GATE|NAME|SEVERITY|key=value key=value

The signature id is the event's name, and for a decision its gate; never the tool. `cs1` to `cs6` are all taken,
for good: tool, session, trace, context, client and task, which `csNLabel` says in the event's own keys.
`cn1` holds whole numbers only, so the latency is given in microseconds. Keys that CEF has no name for, and those
that a later version adds, are `Gatetrail` and the key in camel case, as CEF asks of a vendor's own.

A reader undoes the escapes of CEF: `\\`, `\=`, `\n` and `\r` in values, `\\` and `\|` in the header. For other
control characters CEF knows none; they are written out as `\u001b`, and stay so.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import assert_never

from gatetrail.events.journal import Entry
from gatetrail.formats.addresses import is_ip
from gatetrail.formats.flat import fields
from gatetrail.formats.keys import Keys, read
from gatetrail.formats.kinds import Kind
from gatetrail.formats.moments import epoch_ms
from gatetrail.formats.names import in_camel_case
from gatetrail.formats.outcomes import Outcome, outcome_of
from gatetrail.formats.texts import UNSEEN, shown, visible
from gatetrail.severity import SEVERITIES
from gatetrail.words import Level

VENDOR = "Gatetrail"
CUSTOM_PREFIX = "Gatetrail"

FIELDS = (
    ("event_id", "externalId"),
    ("decision", "act"),
    ("execution_status", "outcome"),
    ("gate", "cat"),
    ("reason", "reason"),
    ("message", "msg"),
    ("user_id", "suid"),
    ("http_user_agent", "requestClientApplication"),
    ("method", "requestMethod"),
    ("server_name", "destinationServiceName"),
    ("actual_tier", "spriv"),
    ("required_tier", "dpriv"),
    ("instance_id", "deviceExternalId"),
)
"""Our keys and the fields of CEF's dictionary that mean the same."""

LABELLED_FIELDS = (
    ("tool_name", "cs1"),
    ("session_id", "cs2"),
    ("trace_id", "cs3"),
    ("context_id", "cs4"),
    ("client_id", "cs5"),
    ("task_id", "cs6"),
    ("caller_type", "flexString1"),
    ("rate_limit_tier", "flexString2"),
)
"""A contract: which field holds what never changes, since searches name the field, not its label."""

_BEGINNINGS = {key: f"{name}=" for key, name in FIELDS} | {
    key: f"{name}Label={key} {name}=" for key, name in LABELLED_FIELDS
}
_ESCAPES = {"\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r"}
_IN_VALUES = re.compile(rf"[\\=]|{UNSEEN.pattern}")


def cef(entry: Entry) -> bytes:
    """The event as one line. Raises ValueError for what is no event of ours."""
    keys = read(entry.line)
    header = _header(keys)
    return f"{header}|{' '.join(_extension(keys))}".encode()


def title_of(kind: Kind, event_name: str) -> str:  # noqa: C901, PLR0911, PLR0912 -- one for each kind
    """The name of a kind of event for people: the same for every event of the kind, and never translated."""
    match kind:
        case Kind.TOOL_CALL_DECIDED:
            return "Tool call decided"
        case Kind.TOOL_CALL_COMPLETED:
            return "Tool call completed"
        case Kind.EXECUTION_ORPHANED:
            return "Tool call left without an outcome"
        case Kind.SCANNER_DETECTED:
            return "Scanner detected"
        case Kind.IDENTITY_REFUSED:
            return "Identity refused"
        case Kind.SESSION_STARTED:
            return "Session started"
        case Kind.SESSION_RESUMED:
            return "Session resumed"
        case Kind.SESSION_ENDED:
            return "Session ended"
        case Kind.MANIFEST_LISTED:
            return "Manifest listed"
        case Kind.IDENTITY_RESTRICTED:
            return "Identity restricted"
        case Kind.IDENTITY_RESTORED:
            return "Identity restored"
        case Kind.POLICY_CHANGED:
            return "Policy changed"
        case Kind.POLICY_REJECTED:
            return "Policy rejected"
        case Kind.HOOK_RAN:
            return "Hook ran"
        case Kind.HOOK_FAILED:
            return "Hook failed"
        case Kind.RATE_STORE_FAILED:
            return "Rate store failed"
        case Kind.RATE_STORE_RECOVERED:
            return "Rate store recovered"
        case Kind.LIFECYCLE:
            return f"Agent reports {event_name.partition('.')[2].replace('_', ' ')}"
        case Kind.AUDIT_HEARTBEAT:
            return "Audit trail alive"
        case Kind.AUDIT_CHECKPOINT:
            return "Audit trail signed"
        case Kind.AUDIT_GAP:
            return "Audit trail has a gap"
        case Kind.AUDIT_SINK_FAILED:
            return "Audit sink failed"
        case Kind.AUDIT_SINK_RECOVERED:
            return "Audit sink recovered"
        case _:
            assert_never(kind)


def _header(keys: Keys) -> str:
    name, gate = keys.needed("event_name"), keys.look("gate")
    signature = name if gate is None else f"{name}:{gate}"
    level = Level(keys.needed("level"))
    keys.take("severity_id")
    keys.take("vendor_product")
    version = _in_header(keys.needed("product_version"))
    title = title_of(keys.kind, name)
    return f"CEF:0|{VENDOR}|{VENDOR}|{version}|{_in_header(signature)}|{title}|{SEVERITIES[level].cef}"


def _in_header(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace("|", "\\|")


def _extension(keys: Keys) -> list[str]:
    timestamp = keys.needed("@timestamp")
    outcome = outcome_of(keys)
    parts = [f"rt={epoch_ms(timestamp)}"]
    if keys.look("execution_status") is None and outcome is not Outcome.UNKNOWN:
        parts.append(f"outcome={outcome.value}")
    latency_ms = keys.number("latency_ms")
    if latency_ms is not None:
        parts.append(f"cn1={round(latency_ms * 1000)} cn1Label=latency_us")
    address = keys.look("src_ip")
    if address is not None and is_ip(address):
        parts.append(f"src={keys.needed('src_ip')}")
    parts.append(_custom_beginning("timestamp") + timestamp)
    parts.extend(fields(keys.rest(), _BEGINNINGS, _custom_beginning, in_value))
    return parts


def in_value(text: str) -> str:
    """A text as the value of an extension field."""
    if text.isprintable() and "\\" not in text and "=" not in text:
        return text
    return _IN_VALUES.sub(lambda found: _ESCAPES.get(found[0]) or f"\\{shown(found[0])}", text)


def custom_name(key: str) -> str:
    """The extension field of a key that CEF has no name for; it cannot be one of CEF's."""
    return CUSTOM_PREFIX + in_camel_case(key)


@lru_cache(maxsize=1024)
def _custom_beginning(key: str) -> str:
    return f"{custom_name(key)}="

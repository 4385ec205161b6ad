"""Keys that are taken out of events when they come in. Searches work without; with it they find them faster."""

from __future__ import annotations

from typing import Any

from siem.languages.sumo import EVERYTHING, extraction

KEYS = (
    "event_name",
    "decision",
    "gate",
    "reason_code",
    "rule_id",
    "server_name",
    "tool_name",
    "user_id",
    "session_id",
    "client_id",
    "src_ip",
    "required_tier",
    "actual_tier",
    "execution_id",
    "execution_status",
    "trace_id",
    "policy_version",
    "chain_id",
    "instance_id",
    "sink_name",
)
"""What searches ask for and groups are made of. An account has 200 fields in all, so not every key is here."""


def extraction_rule() -> dict[str, Any]:
    """As `POST /api/v1/extractionRules` takes it (`ExtractionRuleDefinition` of Sumo's API)."""
    return {
        "name": "Gatetrail audit",
        "scope": EVERYTHING,
        "parseExpression": extraction(KEYS),
        "enabled": True,
    }

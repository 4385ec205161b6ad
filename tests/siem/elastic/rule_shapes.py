"""The members of detection rules, as Kibana's API describes them ("Create a detection rule", Kibana 9).

Written by hand from that page: what each type needs and what it may have besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT}
SPAN = {"type": "string", "pattern": "^[1-9][0-9]*[smhd]$"}
BACK = {"type": "string", "pattern": "^now-[1-9][0-9]*[smhd]$"}


def _object(needed: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**needed, **(optional or {})},
        "required": list(needed),
        "additionalProperties": False,
    }


def _reference(pattern: str, path: str) -> dict[str, Any]:
    return {
        "id": {"type": "string", "pattern": pattern},
        "name": TEXT,
        "reference": {"type": "string", "pattern": f"^https://attack.mitre.org/{path}/$"},
    }


SUBTECHNIQUE = _object(_reference(r"^T\d{4}\.\d{3}$", r"techniques/T\d{4}/\d{3}"))
TECHNIQUE = _object(
    _reference(r"^T\d{4}$", r"techniques/T\d{4}"), {"subtechnique": {"type": "array", "items": SUBTECHNIQUE}}
)
THREAT = _object(
    {"framework": {"const": "MITRE ATT&CK"}, "tactic": _object(_reference(r"^TA\d{4}$", r"tactics/TA\d{4}"))},
    {"technique": {"type": "array", "items": TECHNIQUE}},
)
CARDINALITY = _object({"field": TEXT, "value": {"type": "integer", "minimum": 0}})
THRESHOLD = _object(
    {"field": {"type": "array", "items": TEXT, "maxItems": 5}, "value": {"type": "integer", "minimum": 1}},
    {"cardinality": {"type": "array", "items": CARDINALITY}},
)

COMMON_NEEDED: Mapping[str, Any] = {
    "rule_id": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
    "name": TEXT,
    "description": TEXT,
    "risk_score": {"type": "integer", "minimum": 0, "maximum": 100},
    "severity": {"enum": ["low", "medium", "high", "critical"]},
}
COMMON_OPTIONAL: Mapping[str, Any] = {
    "author": TEXTS,
    "license": TEXT,
    "version": {"type": "integer", "minimum": 1},
    "enabled": {"const": False},
    "tags": TEXTS,
    "threat": {"type": "array", "items": THREAT},
    "false_positives": TEXTS,
    "references": TEXTS,
    "note": TEXT,
    "setup": TEXT,
    "investigation_fields": _object({"field_names": {**TEXTS, "minItems": 1}}),
    "related_integrations": {
        "type": "array",
        "items": _object({"package": TEXT, "version": TEXT}, {"integration": TEXT}),
    },
    "max_signals": {"type": "integer", "minimum": 1},
    "interval": SPAN,
    "from": BACK,
    "to": {"const": "now"},
}
SUPPRESSION = _object(
    {"group_by": {**TEXTS, "minItems": 1, "maxItems": 3}},
    {
        "duration": _object({"value": {"type": "integer", "minimum": 1}, "unit": {"enum": ["s", "m", "h"]}}),
        "missing_fields_strategy": {"enum": ["doNotSuppress", "suppress"]},
    },
)
SEARCHED: Mapping[str, Any] = {"index": {**TEXTS, "minItems": 1}}
KUERY: Mapping[str, Any] = {"query": TEXT, "language": {"const": "kuery"}}


def _rule(kind: str, needed: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return _object(
        {**COMMON_NEEDED, "type": {"const": kind}, **needed},
        {**COMMON_OPTIONAL, **(optional or {})},
    )


SHAPES: Mapping[str, dict[str, Any]] = {
    "query": _rule("query", KUERY, SEARCHED),
    "threshold": _rule("threshold", {**KUERY, "threshold": THRESHOLD}, SEARCHED),
    "new_terms": _rule(
        "new_terms",
        {
            **KUERY,
            "new_terms_fields": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3},
            "history_window_start": BACK,
        },
        SEARCHED,
    ),
    "eql": _rule("eql", {"query": TEXT, "language": {"const": "eql"}}, {**SEARCHED, "tiebreaker_field": TEXT}),
    "esql": _rule("esql", {"query": TEXT, "language": {"const": "esql"}}, {"alert_suppression": SUPPRESSION}),
}
"""By type. An ES|QL rule names its index in the query, and has no `index`."""

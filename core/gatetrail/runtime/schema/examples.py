"""One example of each kind of event, always the same: together they are one unbroken chain."""

from __future__ import annotations

from typing import Any

import orjson

from gatetrail.clock import rfc3339
from gatetrail.events.fields import ID_KEYS
from gatetrail.events.wire import GENESIS_HASH, seal
from gatetrail.runtime.schema.example_keys import EVENTS, KEYS
from gatetrail.runtime.schema.kinds import event_kinds
from gatetrail.severity import SEVERITIES
from gatetrail.words import Level

_FIRST_US = 1_768_465_800_000_000
"""2026-01-15T08:30:00Z; a second lies between two examples."""
_CHAIN_ID = "019bc0d4-4a00-7000-8000-00000000c0de"


def event_examples() -> dict[str, list[dict[str, Any]]]:
    """By `event_name`, the keys of one or two events as they stand in their lines."""
    examples: dict[str, list[dict[str, Any]]] = {}
    seq, hash_before = 0, GENESIS_HASH
    for name, kind in event_kinds().items():
        for special in EVENTS.get(name, ({"message": f"an agent reports {name.partition('.')[2]}"},)):
            seq += 1
            known = {key: KEYS[key] for key in kind.model_fields if key in KEYS and _has(name, key)}
            event = kind.model_validate(known | _stamp(seq, special) | special | {"event_name": name})
            sealed = seal(event, seq, _CHAIN_ID, hash_before)
            hash_before = sealed.event_hash
            examples.setdefault(name, []).append(orjson.loads(sealed.line))
    return examples


def _has(name: str, key: str) -> bool:
    # Nobody's call is behind what the record or the policy tells of itself.
    return key not in ID_KEYS or not name.startswith(("audit.", "policy."))


def _stamp(seq: int, special: dict[str, Any]) -> dict[str, Any]:
    level = special.get("level", Level.INFO)
    return {
        "timestamp": rfc3339(_FIRST_US + seq * 1_000_000),
        "event_id": f"019bc0d4-{0x4A00 + seq * 1000:04x}-7000-8000-{seq:012x}",
        "level": level,
        "severity_id": SEVERITIES[level].ocsf_id,
    }

"""What is well formed and still cannot be meant.

Looks at plain data, so that these mistakes are told beside those of shape and not one try later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from gatetrail.policy.check_blocklist import blocklist_complaints
from gatetrail.policy.check_hooks import hook_complaints
from gatetrail.policy.check_identity import identity_complaints
from gatetrail.policy.check_redaction import redaction_complaints
from gatetrail.policy.check_scanner import scanner_complaints
from gatetrail.policy.source import Location

Complaint = tuple[Location, str]
Data = Mapping[str, Any]


def complaints_of(data: Data) -> Iterator[Complaint]:
    """Place and message for each mistake that types alone do not show."""
    yield from identity_complaints(_keys_of(data.get("identity")))
    yield from blocklist_complaints(_items_of(data.get("blocklist")))
    yield from scanner_complaints(_keys_of(data.get("scanner")))
    redaction = _keys_of(data.get("redaction"))
    yield from hook_complaints(
        _items_of(data.get("hooks")), _keys_of(data.get("servers")), redaction.get("preview_bytes")
    )
    yield from redaction_complaints(
        _keys_of(redaction.get("classes")), _items_of(redaction.get("arguments")), _items_of(redaction.get("patterns"))
    )


def _items_of(value: object) -> list[Any]:
    return value if _is_list(value) else []


def _keys_of(value: object) -> Data:
    return value if _is_mapping(value) else {}


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)

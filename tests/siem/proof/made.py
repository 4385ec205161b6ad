"""Events made by hand, whole enough for the product's tables."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from siem.golden import Event

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HASH = "0" * 64


class Record:
    """Grows by one event after the other; `after_s` is counted from the beginning of the record."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._seq = count(1)

    def add(self, event_name: str, after_s: float, **keys: Any) -> str:
        """Append an event; gives its id."""
        at = BEGIN + timedelta(seconds=after_s)
        seq = next(self._seq)
        event_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"event {seq}"))
        self.events.append(
            {
                "@timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "event_id": event_id,
                "event_name": event_name,
                "seq": seq,
                "chain_id": "8d1f2a5e-0000-4000-8000-000000000001",
                "prev_hash": HASH,
                "event_hash": HASH,
                **{key: value for key, value in keys.items() if value is not None},
            }
        )
        return event_id

    def call(self, after_s: float, gate: str = "none", **keys: Any) -> str:
        """A decision; denied when a gate is named."""
        allowed = gate == "none"
        said = {
            "execution_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"execution {len(self.events)}")),
            "trace_id": f"{len(self.events):032x}",
            "user_id": "alice",
            "server_name": "finance",
            "tool_name": "close_books",
            "method": "tools/call",
            "caller_type": "user",
            "actual_tier": "user",
            "rate_limit_tier": "user",
            "execution_status": "pending" if allowed else "denied",
            "decision": "allow" if allowed else "deny",
            "gate": gate,
            "reason_code": "allowed" if allowed else "tier_too_low",
            "policy_version": "0123456789abcdef",
            "instance_id": "8d1f2a5e-0000-7000-8000-000000000002",
            "src_ip": "192.0.2.10",
        }
        return self.add("tool_call.decided", after_s, **{**said, **keys})

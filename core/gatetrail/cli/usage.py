"""`gatetrail policy check --usage`: which entries of the blocklist do anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gatetrail.policy.covering import covered_entries
from gatetrail.words import GateName

if TYPE_CHECKING:
    from gatetrail.events.rule_usage import Matches
    from gatetrail.policy.model import Policy
    from gatetrail.settings import ServiceSettings

DEFAULT_SINCE = "30d"

_WIDTH = 9


async def usage_of(policy: Policy, settings: ServiceSettings, since: str) -> list[dict[str, Any]]:
    """One object for each entry, in the order of the file. Raises `DatabaseUnavailable` and what opens the record."""
    from gatetrail.runtime.records import open_records

    async with open_records(settings) as records:
        denied = await records.rules.denied(GateName.BLOCKLIST, since)
        tried: Mapping[str, Matches] = {}
        if any(entry.shadow for entry in policy.document.blocklist):
            tried = await records.rules.shadowed(GateName.BLOCKLIST, since)
    return list(_told(policy, denied, tried, since))


def usage_line(told: Mapping[str, Any]) -> str:
    """The same for people."""
    notes = [
        f"matched {told['matches']}, last {told['last_at']}" if told["matches"] else f"never since {told['since']}"
    ]
    notes += ["only tried"] if told["shadow"] else []
    notes += [f"expired {told['expires_at']}"] if told["expired"] else []
    notes += [f"covered by {told['covered_by']!r}, which comes first"] if told["covered_by"] else []
    return f"{'in use' if told['matches'] else 'unused':{_WIDTH}}{told['rule_id']}: {'; '.join(notes)}"


def _told(
    policy: Policy, denied: Mapping[str, Matches], tried: Mapping[str, Matches], since: str
) -> Iterator[dict[str, Any]]:
    entries = policy.document.blocklist
    covered, now = covered_entries(entries), datetime.now(UTC)
    for entry in entries:
        matches = (tried if entry.shadow else denied).get(entry.id)
        yield {
            "rule_id": entry.id,
            "matches": matches.count if matches else 0,
            "last_at": matches.last_at if matches else None,
            "since": since,
            "shadow": entry.shadow,
            "expires_at": entry.expires_at.isoformat() if entry.expires_at else None,
            "expired": entry.expires_at is not None and entry.expires_at <= now,
            "covered_by": covered.get(entry.id),
        }

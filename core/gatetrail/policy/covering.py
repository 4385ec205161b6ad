"""Which deny entries never have their turn, because an earlier one denies all that they deny."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatetrail.policy.blocklist import BlockEntry

MAX_COMPARED = 2_000
"""Entries of a longer list are compared with the first so many only."""

_NAMES = ("tools", "users", "servers", "departments", "data_domains")


def covered_entries(entries: Sequence[BlockEntry]) -> Mapping[str, str]:
    """By the id of an entry that of the first earlier one that covers it. Misses some: globs are compared as text."""
    lasting = [entry for entry in entries[:MAX_COMPARED] if entry.expires_at is None and not entry.shadow]
    positions = {entry.id: position for position, entry in enumerate(entries)}
    found: dict[str, str] = {}
    for position, entry in enumerate(entries):
        earlier = (one for one in lasting if positions[one.id] < position)
        if not entry.shadow and (cover := next((one for one in earlier if _covers(one, entry)), None)):
            found[entry.id] = cover.id
    return found


def _covers(earlier: BlockEntry, later: BlockEntry) -> bool:
    if earlier.arguments and (earlier.arguments, earlier.max_argument_bytes) != (
        later.arguments,
        later.max_argument_bytes,
    ):
        return False
    return all(_includes(_folded(earlier, name), _folded(later, name)) for name in _NAMES)


def _includes(earlier: frozenset[str], later: frozenset[str]) -> bool:
    return not earlier or "*" in earlier or (bool(later) and later <= earlier)


def _folded(entry: BlockEntry, name: str) -> frozenset[str]:
    names: tuple[str, ...] = getattr(entry, name)
    return frozenset(one.casefold() for one in names)

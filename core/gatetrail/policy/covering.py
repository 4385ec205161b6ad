"""Which deny entries never have their turn, because an earlier one denies all that they deny."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gatetrail.policy.blocklist import BlockEntry

_NAMES = ("tools", "servers", "users", "departments", "data_domains")
_PATTERNS = frozenset({"tools", "servers"})
"""Of these a star fits every name."""

_Key = tuple[int, str]
"""One of `_NAMES` by its number, and a name; all entries that name nothing are under the same one."""
_EVERYTHING: _Key = (-1, "")


def covered_entries(entries: Sequence[BlockEntry]) -> Mapping[str, str]:
    """By the id of an entry that of the first earlier one that covers it. Misses some: globs are compared as text."""
    found: dict[str, str] = {}
    lasting: dict[_Key, list[_Folded]] = {}
    for position, entry in enumerate(entries):
        if entry.shadow:
            continue
        later = _folded(position, entry)
        covers = [one for key in later.wanted_under() for one in lasting.get(key, ()) if one.covers(later)]
        if covers:
            found[entry.id] = min(covers, key=lambda one: one.position).entry.id
        elif entry.expires_at is None:
            for key in later.filed_under():
                lasting.setdefault(key, []).append(later)
    return found


@dataclass(frozen=True, slots=True)
class _Folded:
    position: int
    entry: BlockEntry
    names: tuple[frozenset[str], ...]
    """One for each of `_NAMES`; none for what fits always."""

    def filed_under(self) -> Iterator[_Key]:
        """All names of the first kind of which there are some: what is covered has nothing but these."""
        number = next((number for number, names in enumerate(self.names) if names), None)
        yield from [_EVERYTHING] if number is None else [(number, name) for name in self.names[number]]

    def wanted_under(self) -> Iterator[_Key]:
        """Where everything is that covers this."""
        yield _EVERYTHING
        yield from ((number, min(names)) for number, names in enumerate(self.names) if names)

    def covers(self, later: _Folded) -> bool:
        names = zip(self.names, later.names, strict=True)
        if not all(not mine or (theirs and theirs <= mine) for mine, theirs in names):
            return False
        return not self.entry.arguments or _tests(self.entry) == _tests(later.entry)


def _folded(position: int, entry: BlockEntry) -> _Folded:
    return _Folded(position, entry, tuple(_names(entry, part) for part in _NAMES))


def _names(entry: BlockEntry, part: str) -> frozenset[str]:
    names: tuple[str, ...] = getattr(entry, part)
    return frozenset() if part in _PATTERNS and "*" in names else frozenset(map(str.casefold, names))


def _tests(entry: BlockEntry) -> object:
    return entry.arguments, entry.max_argument_bytes

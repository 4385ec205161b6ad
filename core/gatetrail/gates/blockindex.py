"""Which deny entries can fit a call at all, without looking at the others.

Each entry is filed under the names of one of its dimensions only, the one whose names the fewest
other entries share. A glob is filed under its rarest run of at most four literal characters, which
every text that it fits must contain.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gatetrail.policy.blocklist import BlockEntry
from gatetrail.policy.globs import is_literal

RUN_CHARACTERS = 4
_ANY = ("", "")
"""Entries that name nothing but arguments are filed under this."""

_LITERAL_DIMENSIONS = ("users", "departments", "data_domains")
_PATTERN_DIMENSIONS = ("tools", "servers")

Key = tuple[str, str]
"""A dimension and a name in it; for runs of globs the dimension has a `*` behind it."""


class BlockIndex:
    """Made once for a list of entries; `candidates` gives positions in that list."""

    def __init__(self, entries: Sequence[BlockEntry]) -> None:
        frequencies = Counter(key for entry in entries for key in _all_keys(entry))
        self._positions: dict[Key, list[int]] = {}
        for position, entry in enumerate(entries):
            for key in _filed_under(entry, frequencies):
                self._positions.setdefault(key, []).append(position)
        self._run_lengths = {
            dimension: sorted({len(run) for kind, run in self._positions if kind == f"{dimension}*"})
            for dimension in _PATTERN_DIMENSIONS
        }

    def candidates(self, patterned: Mapping[str, Iterable[str]], literal: Mapping[str, Iterable[str]]) -> set[int]:
        """Positions of all entries that can fit these case-folded names, and of few others."""
        found: set[int] = set()
        found.update(self._positions.get(_ANY, ()))
        for dimension, names in (*patterned.items(), *literal.items()):
            for name in names:
                found.update(self._positions.get((dimension, name), ()))
        for dimension, names in patterned.items():
            for run in self._runs(dimension, names):
                found.update(self._positions.get((f"{dimension}*", run), ()))
        return found

    def _runs(self, dimension: str, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            for length in self._run_lengths[dimension]:
                yield from {name[at : at + length] for at in range(len(name) - length + 1)}


def _all_keys(entry: BlockEntry) -> Iterator[Key]:
    for dimension in _LITERAL_DIMENSIONS:
        for name in getattr(entry, dimension):
            yield dimension, name.casefold()
    for dimension in _PATTERN_DIMENSIONS:
        for pattern in getattr(entry, dimension):
            yield from _pattern_keys(dimension, pattern)


def _pattern_keys(dimension: str, pattern: str) -> list[Key]:
    """For a literal its one key, for a glob all runs that it could be filed under."""
    folded = pattern.casefold()
    if is_literal(folded):
        return [(dimension, folded)]
    longest = max(re.split(r"[*?]+", folded), key=len)
    length = min(len(longest), RUN_CHARACTERS)
    runs = {longest[at : at + length] for at in range(len(longest) - length + 1)}
    return [(f"{dimension}*", run) for run in sorted(runs)]


def _filed_under(entry: BlockEntry, frequencies: Counter[Key]) -> set[Key]:
    """The keys of the dimension that narrows the search most."""

    def crowd(keys: set[Key]) -> int:
        return max(frequencies[key] for key in keys)

    choices = [
        {(dimension, name.casefold()) for name in getattr(entry, dimension)} for dimension in _LITERAL_DIMENSIONS
    ]
    for dimension in _PATTERN_DIMENSIONS:
        rarest = (
            min(_pattern_keys(dimension, pattern), key=frequencies.__getitem__) for pattern in getattr(entry, dimension)
        )
        choices.append(set(rarest))
    return min(filter(None, choices), key=crowd, default={_ANY})

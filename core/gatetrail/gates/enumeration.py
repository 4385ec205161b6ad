"""How many different names a party has asked for that do not exist for it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto

_SWEPT_PER_NEWCOMER = 2


class Tried(Enum):
    """What a name adds up to with those before it."""

    LITTLE = auto()
    MANY = auto()
    """One of more different names than there may be."""
    AS_MANY_AGAIN = auto()
    """The same, and once more as many new ones: a probe. Who insists on the same names does not probe."""


@dataclass(slots=True)
class _Names:
    asked_s: dict[int, float] = field(default_factory=dict[int, float])
    """When each was asked for last, that one last."""
    new: int = 0
    """Since the last probe."""


class NameWindows:
    """The latest such names of all parties of one kind. Not safe to call from several threads at once.

    Memory is for `max_parties`; where more are busy at once, the one that was seen first is forgotten.
    """

    def __init__(self, max_parties: int = 5_000) -> None:
        self._max_parties = max_parties
        self._names: OrderedDict[str, _Names] = OrderedDict()

    def __len__(self) -> int:
        return len(self._names)

    def tried(self, party: str, name: int, limit: int, width_s: float, now_s: float) -> Tried:
        """Notes a name, as a hash. More than `limit` different ones within `width_s` seconds are many."""
        names = self._names.get(party) or self._enter(party, width_s, now_s)
        asked_s, oldest_s = names.asked_s, now_s - width_s
        while asked_s and (asked_s[first := next(iter(asked_s))] <= oldest_s or len(asked_s) > 2 * limit):
            del asked_s[first]
        names.new += asked_s.pop(name, None) is None
        asked_s[name] = now_s
        if len(asked_s) <= limit:
            return Tried.LITTLE
        if names.new <= limit:
            return Tried.MANY
        names.new = 1
        return Tried.AS_MANY_AGAIN

    def _enter(self, party: str, width_s: float, now_s: float) -> _Names:
        for _ in range(min(_SWEPT_PER_NEWCOMER, len(self._names))):
            oldest, names = self._names.popitem(last=False)
            is_quiet = names.asked_s[next(reversed(names.asked_s))] <= now_s - width_s
            if not is_quiet and len(self._names) < self._max_parties - 1:
                self._names[oldest] = names
        names = self._names[party] = _Names()
        return names

"""How many different names a party has asked for that do not exist for it."""

from __future__ import annotations

from collections import OrderedDict

_SWEPT_PER_NEWCOMER = 2


class NameWindows:
    """The latest such names of all parties of one kind. Not safe to call from several threads at once.

    Memory is for `max_parties`; where more are busy at once, the one that was seen first is forgotten.
    """

    def __init__(self, max_parties: int = 5_000) -> None:
        self._max_parties = max_parties
        self._names: OrderedDict[str, OrderedDict[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._names)

    def is_scan(self, party: str, name: int, limit: int, width_s: float, now_s: float) -> bool:
        """Notes a name, as a hash; True when there are more than `limit` different ones within `width_s` seconds."""
        names = self._names.get(party)
        if names is None:
            names = self._enter(party, width_s, now_s)
        names[name] = now_s
        names.move_to_end(name)
        oldest_s = now_s - width_s
        while len(names) > limit + 1 or next(iter(names.values())) <= oldest_s:
            names.popitem(last=False)
        return len(names) > limit

    def _enter(self, party: str, width_s: float, now_s: float) -> OrderedDict[int, float]:
        for _ in range(min(_SWEPT_PER_NEWCOMER, len(self._names))):
            oldest, names = self._names.popitem(last=False)
            is_quiet = next(reversed(names.values())) <= now_s - width_s
            if not is_quiet and len(self._names) < self._max_parties - 1:
                self._names[oldest] = names
        names = self._names[party] = OrderedDict()
        return names

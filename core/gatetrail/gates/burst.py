"""Sliding windows: how many requests of one party came within the last so many seconds."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

_SWEPT_PER_NEWCOMER = 2
_SWEPT_WHEN_FULL = 16


@dataclass(slots=True)
class _Window:
    width_s: float
    arrivals_s: deque[float] = field(default_factory=deque[float])


class BurstWindows:
    """The windows of all parties of one kind. Not safe to call from several threads at once.

    Every request counts, a refused one too, so who goes on at full speed stays out until he slows down.
    Memory follows the requests within the windows; a party that is quiet for one window is forgotten.
    Where `max_parties` are busy at once, all further ones share a single window.
    """

    def __init__(self, max_parties: int = 100_000) -> None:
        self._max_parties = max_parties
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._overflow = _Window(0.0)

    def __len__(self) -> int:
        return len(self._windows)

    def is_burst(self, party: str, limit: int, width_s: float, now_s: float) -> bool:
        """Counts this request; True when it is more than the `limit`-th within `width_s` seconds."""
        window = self._windows.get(party)
        if window is None:
            window = self._enter(party, now_s)
        window.width_s = width_s
        arrivals_s = window.arrivals_s
        arrivals_s.append(now_s)
        oldest_s = now_s - width_s
        while arrivals_s[0] <= oldest_s:
            arrivals_s.popleft()
        if len(arrivals_s) <= limit:
            return False
        while len(arrivals_s) > limit + 1:
            arrivals_s.popleft()
        return True

    def _enter(self, party: str, now_s: float) -> _Window:
        is_full = len(self._windows) >= self._max_parties
        self._sweep(_SWEPT_WHEN_FULL if is_full else _SWEPT_PER_NEWCOMER, now_s)
        if len(self._windows) >= self._max_parties:
            return self._overflow
        window = self._windows[party] = _Window(0.0)
        return window

    def _sweep(self, count: int, now_s: float) -> None:
        for _ in range(min(count, len(self._windows))):
            party, window = self._windows.popitem(last=False)
            if window.arrivals_s and window.arrivals_s[-1] > now_s - window.width_s:
                self._windows[party] = window

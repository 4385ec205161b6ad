"""Who has sent so many probes that he is kept out for a while."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gatetrail.policy.scanner import Lockout

TOLD_EVERY_S = 60.0

_SWEPT_PER_NEWCOMER = 2


@dataclass(slots=True)
class _Suspect:
    """Probes drain away with time; lock-outs are remembered for longer."""

    level: float
    at_s: float
    burst_at_s: float = float("-inf")
    until_s: float = float("-inf")
    times: int = 0
    forgotten_s: float = 0.0
    """From when on nothing is left to remember."""
    told_s: float = float("-inf")
    turned_away: int = 0


class Lockouts:
    """All suspects of one kind. Not safe to call from several threads at once.

    What is sent while one is locked out is no further probe: who stops has the same wait as who goes on. Memory is for
    `max_parties`; where more are suspects at once, the one whose last probe is oldest is forgotten.
    """

    def __init__(self, max_parties: int = 20_000) -> None:
        self._max_parties = max_parties
        self._suspects: OrderedDict[str, _Suspect] = OrderedDict()

    def __len__(self) -> int:
        return len(self._suspects)

    def wait_s(self, party: str, now_s: float) -> float:
        """For how much longer a party is kept out; 0.0 for everybody else."""
        suspect = self._suspects.get(party)
        return 0.0 if suspect is None else max(suspect.until_s - now_s, 0.0)

    def hit(self, party: str, policy: Lockout, now_s: float) -> None:
        """Counts one probe; with as many as the policy says the party is locked out."""
        suspect = self._suspects.get(party) or self._enter(party, now_s)
        self._suspects.move_to_end(party)
        drained = max(now_s - suspect.at_s, 0.0) / policy.decay_s
        suspect.level, suspect.at_s = max(suspect.level - drained, 0.0) + 1.0, now_s
        if now_s >= suspect.until_s + policy.max_duration_s:
            suspect.times = 0
        if suspect.level > policy.hits - 1:
            _lock(suspect, policy, now_s)
        suspect.forgotten_s = max(suspect.until_s + policy.max_duration_s, now_s + policy.decay_s * policy.hits)

    def burst(self, party: str, policy: Lockout, apart_s: float, now_s: float) -> None:
        """Counts a burst as one probe, unless one was counted less than `apart_s` ago."""
        suspect = self._suspects.get(party)
        if suspect is None or now_s >= suspect.burst_at_s + apart_s:
            self.hit(party, policy, now_s)
            self._suspects[party].burst_at_s = now_s

    def tell(self, party: str, now_s: float) -> int | None:
        """Counts a request that is turned away unread; how many were since the last report, when one is due.

        One is due with the first of each lock-out and then every minute: a flood of requests is no flood of reports.
        """
        suspect = self._suspects.get(party)
        if suspect is None:
            return 1
        suspect.turned_away += 1
        if now_s < suspect.told_s + TOLD_EVERY_S:
            return None
        count, suspect.turned_away, suspect.told_s = suspect.turned_away, 0, now_s
        return count

    def _enter(self, party: str, now_s: float) -> _Suspect:
        for _ in range(min(_SWEPT_PER_NEWCOMER, len(self._suspects))):
            oldest, suspect = next(iter(self._suspects.items()))
            if suspect.forgotten_s <= now_s or len(self._suspects) >= self._max_parties:
                del self._suspects[oldest]
        suspect = self._suspects[party] = _Suspect(0.0, now_s)
        return suspect


def _lock(suspect: _Suspect, policy: Lockout, now_s: float) -> None:
    # The power is bounded, or it would overflow for somebody who has come back for years.
    duration_s = min(policy.duration_s * 2.0 ** min(suspect.times, 40), policy.max_duration_s)
    suspect.until_s = now_s + duration_s
    suspect.times += 1
    suspect.level = 0.0
    suspect.told_s = float("-inf")

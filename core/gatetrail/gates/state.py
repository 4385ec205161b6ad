"""What the gates remember from call to call. Everything else about them is in the policy."""

from __future__ import annotations

from gatetrail.gates.bucket import Bucket, Buckets
from gatetrail.gates.burst import BurstWindows
from gatetrail.gates.enumeration import NameWindows
from gatetrail.gates.lockout import Lockouts
from gatetrail.limits import Taking


class GateState:
    """Windows and buckets; hand the same one to the gates of the next policy, and no count starts anew.

    Proven users and mere addresses are kept apart, so that a flood of addresses crowds out no user.
    """

    def __init__(self, max_parties: int = 100_000, *, rates_are_shared: bool = False) -> None:
        self.rates_are_shared = rates_are_shared
        """True: the tokens of calls are taken elsewhere, and the buckets here stay as they are."""
        self.proven_windows = BurstWindows(max_parties)
        self.unproven_windows = BurstWindows(max_parties)
        self.proven_names = NameWindows()
        self.unproven_names = NameWindows()
        self.proven_lockouts = Lockouts()
        self.unproven_lockouts = Lockouts()
        self.proven_buckets = Buckets()
        self.unproven_buckets = Buckets()
        self._max_parties = max_parties
        self._beside: dict[str, GateState] = {}
        self._common_buckets: dict[str, Bucket] = {}

    def common_bucket(self, taking: Taking, now_s: float) -> Bucket:
        """A bucket that all callers share. Their names come from policies, so there are few, and none is dropped."""
        bucket = self._common_buckets.get(taking.key)
        if bucket is None:
            bucket = self._common_buckets[taking.key] = Bucket(taking.limit.capacity, now_s, taking.limit)
        elif bucket.limit != taking.limit:
            bucket.change(taking.limit, now_s)
        return bucket

    def beside(self, name: str) -> GateState:
        """The state of what is decided beside the gates in force under this name: its own, and kept as this one is."""
        if name not in self._beside:
            self._beside[name] = GateState(self._max_parties)
        return self._beside[name]

"""What the gates remember from call to call. Everything else about them is in the policy."""

from __future__ import annotations

from gatetrail.gates.bucket import Buckets
from gatetrail.gates.burst import BurstWindows


class GateState:
    """Windows and buckets; hand the same one to the gates of the next policy, and no count starts anew.

    Proven users and mere addresses are kept apart, so that a flood of addresses crowds out no user.
    """

    def __init__(self, max_parties: int = 100_000) -> None:
        self.proven_windows = BurstWindows(max_parties)
        self.unproven_windows = BurstWindows(max_parties)
        self.proven_buckets = Buckets()
        self.unproven_buckets = Buckets()

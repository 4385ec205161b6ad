"""What one kind of party is watched for from request to request: its pace, the names it tries, the probes it sends."""

from __future__ import annotations

import math
from dataclasses import replace

from gatetrail.gates.burst import BurstWindows
from gatetrail.gates.decision import PASS, Deny, GateResult, ReasonCode
from gatetrail.gates.enumeration import NameWindows, Tried
from gatetrail.gates.lockout import Lockouts
from gatetrail.policy.scanner import Burst, ScannerPolicy


class Watch:
    """The limits of one policy for one kind of party; the memory outlives policies."""

    def __init__(
        self, policy: ScannerPolicy, burst: Burst, windows: BurstWindows, names: NameWindows, lockouts: Lockouts
    ) -> None:
        self._burst = burst
        self._width_s = burst.window_ms / 1000
        self._enumeration = policy.enumeration
        self._lockout = policy.lockout
        self._windows = windows
        self._names = names
        self._lockouts = lockouts
        reason = f"more than {burst.limit} requests within {burst.window_ms} ms"
        self._too_fast = Deny(ReasonCode.BURST, reason)
        self._too_fast_before_scope = replace(self._too_fast, before_scope=True)
        many = f"more than {self._enumeration.names} different names within {self._enumeration.window_s} s"
        self._too_many = Deny(ReasonCode.ENUMERATION, f"asked for {many} that are not there", before_scope=True)

    def locked_out(self, party: str, now_s: float) -> GateResult:
        """Whether the party is kept out at this moment. Counts nothing."""
        if not len(self._lockouts) or not self._lockout.enabled:
            return PASS
        wait_s = self._lockouts.wait_s(party, now_s)
        if wait_s <= 0.0:
            return PASS
        reason = f"locked out after too many probes, for another {math.ceil(wait_s)} s"
        return Deny(ReasonCode.LOCKED_OUT, reason, retry_after_ms=math.ceil(wait_s * 1000), before_scope=True)

    def pace(self, party: str, now_s: float, *, before_scope: bool = False) -> GateResult:
        """Counts one request."""
        if not self._windows.is_burst(party, self._burst.limit, self._width_s, now_s):
            return PASS
        if self._lockout.enabled:
            self._lockouts.burst(party, self._lockout, self._width_s, now_s)
        return self._too_fast_before_scope if before_scope else self._too_fast

    def name(self, party: str, name: int, now_s: float) -> GateResult:
        """Notes one name that does not exist for the party."""
        wanted = self._enumeration
        if not wanted.enabled:
            return PASS
        tried = self._names.tried(party, name, wanted.names, wanted.window_s, now_s)
        if tried is Tried.LITTLE:
            return PASS
        if tried is Tried.AS_MANY_AGAIN:
            self.hit(party, now_s)
        return self._too_many

    def hit(self, party: str, now_s: float) -> None:
        """Counts one probe."""
        if self._lockout.enabled:
            self._lockouts.hit(party, self._lockout, now_s)

    def tell(self, party: str, now_s: float) -> int | None:
        """Counts a request that is turned away unread; how many were since the last report, when one is due."""
        return self._lockouts.tell(party, now_s)

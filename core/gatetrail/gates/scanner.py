"""Gate 2: probes by path, by the name of a scanner, and by bursts. No tier is exempt."""

from __future__ import annotations

from gatetrail.call import Call, Kind
from gatetrail.gates.burst import BurstWindows
from gatetrail.gates.decision import PASS, Deny, GateResult, ReasonCode
from gatetrail.gates.party import address_party
from gatetrail.gates.probe import Probes
from gatetrail.gates.state import GateState
from gatetrail.identity.caller import Authenticated, Caller
from gatetrail.policy.scanner import Burst, ScannerPolicy

MAX_SHOWN_CHARACTERS = 80


class Scanner:
    """The scanner of one policy; the windows live in the state, which outlives policies."""

    def __init__(self, policy: ScannerPolicy, state: GateState) -> None:
        self._enabled = policy.enabled
        self._probes = Probes(policy)
        self._proven = _Meter(policy.caller_burst, state.proven_windows)
        self._unproven = _Meter(policy.anonymous_burst, state.unproven_windows)

    def inspect(self, path: str | None, user_agent: str | None) -> GateResult:
        """For any HTTP request, a tool call or not. Counts nothing."""
        if not self._enabled:
            return PASS
        if path and (entry := self._probes.in_path(path)):
            return _probe("the request path", entry)
        if user_agent and (entry := self._probes.in_agent(user_agent)):
            reason = f"the user agent names the scanner {_short(entry)!r}"
            return Deny(ReasonCode.SCANNER_AGENT, reason, rule_id=entry)
        return PASS

    def arrival(self, source_ip: str | None, now_s: float) -> GateResult:
        """Counts a request without a proven identity that does not become a call."""
        return self._unproven.count(address_party(source_ip), now_s) if self._enabled else PASS

    def check(self, call: Call, caller: Caller, now_s: float) -> GateResult:
        """For a call, a listing or a method: what `inspect` sees, the URI of a resource, and the pace."""
        if not self._enabled:
            return PASS
        origin = call.origin
        result = self.inspect(origin.path, origin.user_agent)
        if result is not PASS:
            return result
        if call.kind is Kind.RESOURCE and (entry := self._probes.in_uri(call.tool_name)):
            return _probe("the resource URI", entry)
        if isinstance(caller, Authenticated):
            return self._proven.count(caller.user_id, now_s)
        return self._unproven.count(address_party(origin.source_ip), now_s)


class _Meter:
    def __init__(self, burst: Burst, windows: BurstWindows) -> None:
        self._limit = burst.limit
        self._width_s = burst.window_ms / 1000
        self._windows = windows
        reason = f"more than {burst.limit} requests within {burst.window_ms} ms"
        self._denial = Deny(ReasonCode.BURST, reason)

    def count(self, party: str, now_s: float) -> GateResult:
        if self._windows.is_burst(party, self._limit, self._width_s, now_s):
            return self._denial
        return PASS


def _probe(what: str, entry: str) -> Deny:
    reason = f"{what} is one that probes ask for: {_short(entry)}"
    return Deny(ReasonCode.PROBE_PATH, reason, rule_id=entry)


def _short(entry: str) -> str:
    return entry[:MAX_SHOWN_CHARACTERS]

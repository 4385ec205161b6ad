"""Gate 2: probes by path, argument and the name of a scanner, by enumeration and by bursts. No tier is exempt."""

from __future__ import annotations

from gatetrail.call import Call, Kind
from gatetrail.gates.decision import PASS, Deny, GateResult, ReasonCode
from gatetrail.gates.party import address_party
from gatetrail.gates.probe import Probes
from gatetrail.gates.probe_arguments import ArgumentFinder
from gatetrail.gates.state import GateState
from gatetrail.gates.watch import Watch
from gatetrail.identity.caller import Authenticated, Caller
from gatetrail.policy.scanner import Lockout, ScannerPolicy

MAX_SHOWN_CHARACTERS = 80

NAMES_NOTHING = frozenset({ReasonCode.UNKNOWN_SERVER, ReasonCode.UNKNOWN_TOOL, ReasonCode.METHOD_NOT_ALLOWED})
GRANTS = frozenset(
    {ReasonCode.TIER_TOO_LOW, ReasonCode.SCOPE_MISSING, ReasonCode.AUDIENCE_WRONG, ReasonCode.DEPARTMENT_WRONG}
)
"""What hides a thing from a caller: a name of it that he cannot have from a list."""


class Scanner:
    """The scanner of one policy; what it remembers lives in the state, which outlives policies.

    A proven user is counted and locked out under his own id, wherever he comes from and in whichever session; anybody
    else under his address. So nobody behind a shared address can have a proven user locked out. Where neither is known,
    as within a program or behind a Unix socket, nobody is: it would be everybody there.
    """

    def __init__(self, policy: ScannerPolicy, state: GateState) -> None:
        self._enabled = policy.enabled
        self._probes = Probes(policy)
        self._in_arguments = ArgumentFinder(policy.arguments)
        self._proven = Watch(
            policy, policy.caller_burst, state.proven_windows, state.proven_names, state.proven_lockouts
        )
        self._unproven = Watch(
            policy, policy.anonymous_burst, state.unproven_windows, state.unproven_names, state.unproven_lockouts
        )
        self._unplaced = Watch(
            _without_lockout(policy),
            policy.anonymous_burst,
            state.unproven_windows,
            state.unproven_names,
            state.unproven_lockouts,
        )

    def inspect(self, path: str | None, user_agent: str | None, raw_path: str | None = None) -> GateResult:
        """For any HTTP request, a tool call or not. Counts nothing.

        `raw_path` is the path as it came: a server that decodes it replaces what is no UTF-8.
        """
        if not self._enabled:
            return PASS
        for asked in (path, None if raw_path == path else raw_path):
            if asked and (entry := self._probes.in_path(asked)):
                return _probe("the request path", entry)
        if user_agent and (entry := self._probes.in_agent(user_agent)):
            reason = f"the user agent names the scanner {_short(entry)!r}"
            return Deny(ReasonCode.SCANNER_AGENT, reason, rule_id=entry)
        return PASS

    def arrival(self, source_ip: str | None, now_s: float) -> GateResult:
        """Counts a request without a proven identity that does not become a call."""
        if not self._enabled:
            return PASS
        watch, party = self._watched(None, source_ip)
        return watch.pace(party, now_s)

    def detected(self, caller: Caller | None, source_ip: str | None, now_s: float) -> None:
        """Counts a probe that was found by `inspect`."""
        if self._enabled:
            watch, party = self._watched(caller, source_ip)
            watch.hit(party, now_s)

    def kept_out(self, caller: Caller | None, source_ip: str | None, now_s: float) -> GateResult:
        """Whether whoever sends a request is locked out. Counts nothing."""
        if not self._enabled:
            return PASS
        watch, party = self._watched(caller, source_ip)
        return watch.locked_out(party, now_s)

    def turned_away(self, caller: Caller | None, source_ip: str | None, now_s: float) -> int | None:
        """Counts a request that `kept_out` keeps out; how many were since the last report, when one is due."""
        watch, party = self._watched(caller, source_ip)
        return watch.tell(party, now_s)

    def locked_out(self, call: Call, caller: Caller, now_s: float) -> GateResult:
        """Ahead of all gates, for a call of somebody who has sent too many probes."""
        return self.kept_out(caller, call.origin.source_ip, now_s)

    def refused(self, call: Call, caller: Caller, refusal: Deny, now_s: float) -> GateResult:
        """For a call that is out of scope: counts it, and the name if it is none that the caller can know of."""
        if not self._enabled:
            return PASS
        watch, party = self._watched(caller, call.origin.source_ip)
        if refusal.reason_code in NAMES_NOTHING or refusal.reason_code in GRANTS:
            name = hash((call.server_name, call.kind, call.method if call.kind is Kind.METHOD else call.tool_name))
            result = watch.name(party, name, now_s)
            if result is not PASS:
                return result
        return watch.pace(party, now_s, before_scope=True)

    def check(self, call: Call, caller: Caller, now_s: float) -> GateResult:
        """For a call, a listing or a method: what `inspect` sees, resource and arguments, and the pace."""
        if not self._enabled:
            return PASS
        watch, party = self._watched(caller, call.origin.source_ip)
        result = self._look(call)
        if result is not PASS:
            watch.hit(party, now_s)
            return result
        return watch.pace(party, now_s)

    def _look(self, call: Call) -> GateResult:
        origin = call.origin
        result = self.inspect(origin.path, origin.user_agent)
        if result is not PASS:
            return result
        if call.kind is Kind.RESOURCE and (entry := self._probes.in_uri(call.tool_name)):
            return _probe("the resource URI", entry)
        if call.arguments and (entry := self._in_arguments.find(call)):
            reason = f"an argument is nothing but a probe: {entry}"
            return Deny(ReasonCode.PROBE_ARGUMENT, reason, rule_id=entry)
        return PASS

    def _watched(self, caller: Caller | None, source_ip: str | None) -> tuple[Watch, str]:
        if isinstance(caller, Authenticated):
            return self._proven, caller.user_id
        return self._unproven if source_ip else self._unplaced, address_party(source_ip)


def _without_lockout(policy: ScannerPolicy) -> ScannerPolicy:
    return policy.model_copy(update={"lockout": Lockout(enabled=False)})


def _probe(what: str, entry: str) -> Deny:
    reason = f"{what} is one that probes ask for: {_short(entry)}"
    return Deny(ReasonCode.PROBE_PATH, reason, rule_id=entry)


def _short(entry: str) -> str:
    return entry[:MAX_SHOWN_CHARACTERS]

"""Where the record does not tell what the policy asks for: one sentence for each kind of gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from gatetrail.call import Call, Kind
from gatetrail.gates.blocklist import Blocklist
from gatetrail.gates.decision import Deny
from gatetrail.gates.scope import check_scope
from gatetrail.identity.caller import Authenticated, Caller, IdentityRefusal, Refused
from gatetrail.policy.blocklist import BlockEntry
from gatetrail.policy.model import PolicyDocument
from gatetrail.policy.resolve import Resolved, Resolver
from gatetrail.redaction.marks import is_mark
from gatetrail.simulation.recorded import Recorded
from gatetrail.words import ReasonCode


class Doubt(StrEnum):
    """Why it cannot be told what a policy would have said."""

    NAMES = "the name of the server or the tool was cut or redacted"
    SCOPES = "the scopes of the token are not in the record, or not all of them"
    AUDIENCES = "the audiences of the token are not in the record, or not all of them"
    DEPARTMENT = "the department was redacted"
    USER = "the user was redacted, and the key and the policy at hand do not tell who it is"
    EXISTENCE = "whether the server has a tool of that name is not in the record"
    PROOF = "whether the proof of identity held is not in the record: the scanner had turned him away before"
    ARGUMENTS = "a blocklist entry looks at arguments, and they are not in the record in full"
    PROBES = "the arguments in which the scanner saw a probe are not in the record in full"
    PATH = "the request path that the scanner stopped is not in the record"
    AGENT = "the user agent that the scanner stopped is not in the record in clear"
    COUNTS = "it was denied for what came before, of which the record has only the calls"
    LEVEL = "how full the bucket was is not in the record, and the limit is not clearly higher"
    NEAR = "an earlier call of the same caller or bucket could not be told, so what it counted is not known"
    HOOK = "a hook denied it, and no hook is asked again"


class Doubts:
    """Looks for gaps that matter under one policy."""

    def __init__(self, document: PolicyDocument) -> None:
        self._resolver = Resolver(document)
        self._entries = document.blocklist
        self._possible: dict[_Gaps, Blocklist] = {}

    def about_scope(self, one: Recorded) -> Doubt | None:
        """What is missing for the scope gate; None where it would say the same whatever is missing."""
        if isinstance(one.caller, Refused):
            return None
        if not one.names_known:
            return Doubt.NAMES
        resolved = self._resolved(one)
        if resolved is None:
            return None
        if not _passes(replace(one.call, known=True), _most(one, resolved), resolved):
            return None
        if not one.existence_known:
            return Doubt.EXISTENCE
        return _about_grants(one, resolved) if one.proof_known else Doubt.PROOF

    def most(self, one: Recorded) -> tuple[Call, Caller]:
        """The call and the caller with all that the record does not exclude."""
        resolved = self._resolved(one)
        call = one.call if one.existence_known else replace(one.call, known=True)
        return call, one.caller if resolved is None else _most(one, resolved)

    def least(self, one: Recorded) -> tuple[Call, Caller]:
        """The call and the caller with no more than the record shows."""
        call = one.call if one.existence_known else replace(one.call, known=False)
        caller = one.caller if one.proof_known else Refused(IdentityRefusal.TOKEN_MALFORMED, "not in the record")
        return call, caller

    def _resolved(self, one: Recorded) -> Resolved | None:
        name = one.call.method if one.call.kind is Kind.METHOD else one.call.tool_name
        return self._resolver.resolve(one.call.server_name, one.call.kind, name)

    def about_blocklist(self, one: Recorded) -> Doubt | None:
        """What is missing for an entry to fit that could; to be asked where the blocklist has said nothing."""
        gaps, resolved = _gaps_of(one), self._resolved(one)
        if gaps == _NO_GAPS or resolved is None or one.call.kind is Kind.LISTING:
            return None
        for doubt, those in _one_by_one(gaps):
            result = self._fitting(those).check(one.call, one.caller, resolved.data_domains, one.moment_us)
            if isinstance(result, Deny):
                return doubt
        return None

    def _fitting(self, gaps: _Gaps) -> Blocklist:
        """The entries as if what cannot be looked at fitted."""
        if gaps not in self._possible:
            self._possible[gaps] = Blocklist([_without(entry, gaps) for entry in self._entries])
        return self._possible[gaps]

    def about_scanner(self, one: Recorded) -> Doubt | None:
        """What is missing to say whether the scanner would have stopped again what it has stopped."""
        match one.reason_code:
            case ReasonCode.PROBE_ARGUMENT if not one.arguments_known:
                return Doubt.PROBES
            case ReasonCode.PROBE_PATH if one.call.kind is not Kind.RESOURCE:
                return Doubt.PATH
            case ReasonCode.SCANNER_AGENT if not one.agent_known:
                return Doubt.AGENT
            case _:
                return None


@dataclass(frozen=True, slots=True)
class _Gaps:
    """What an entry may look at, and the record does not have in clear."""

    arguments: bool
    department: bool
    user: bool


_NO_GAPS = _Gaps(arguments=False, department=False, user=False)


def _gaps_of(one: Recorded) -> _Gaps:
    department = not one.department_known or is_mark(one.department or "")
    return _Gaps(not one.arguments_known, department, is_mark(one.user_id or ""))


def _one_by_one(gaps: _Gaps) -> Iterator[tuple[Doubt, _Gaps]]:
    """What may matter by itself, and then all of it together."""
    if gaps.user:
        yield Doubt.USER, replace(_NO_GAPS, user=True)
    if gaps.department:
        yield Doubt.DEPARTMENT, replace(_NO_GAPS, department=True)
    yield (Doubt.ARGUMENTS if gaps.arguments else Doubt.DEPARTMENT), gaps


def _without(entry: BlockEntry, gaps: _Gaps) -> BlockEntry:
    """The entry without the conditions that cannot be looked at; a hash can, where the entry has hashes too."""
    return entry.model_copy(
        update={
            "arguments": () if gaps.arguments else entry.arguments,
            "departments": () if gaps.department and not any(map(is_mark, entry.departments)) else entry.departments,
            "users": () if gaps.user and not any(map(is_mark, entry.users)) else entry.users,
            "tools": entry.tools or ("*",),
        }
    )


def _knows_department(one: Recorded, resolved: Resolved) -> bool:
    if is_mark(one.department or ""):
        return any(map(is_mark, resolved.departments))
    return one.department_known


def _about_grants(one: Recorded, resolved: Resolved) -> Doubt | None:
    proven = one.caller
    if not isinstance(proven, Authenticated):
        return None
    if _passes(one.call, proven, resolved) == _passes(one.call, _most(one, resolved), resolved):
        return None
    if not one.scopes_known and not resolved.scopes <= proven.scopes:
        return Doubt.SCOPES
    if not one.audiences_known and not resolved.audiences <= proven.audiences:
        return Doubt.AUDIENCES
    return Doubt.DEPARTMENT


def _most(one: Recorded, resolved: Resolved) -> Caller:
    """The caller with all that the record does not exclude."""
    if not isinstance(one.caller, Authenticated):
        return one.caller
    proven = one.caller
    return replace(
        proven,
        scopes=proven.scopes if one.scopes_known else proven.scopes | resolved.scopes,
        audiences=proven.audiences if one.audiences_known else proven.audiences | resolved.audiences,
        department=_likeliest_department(one, resolved),
    )


def _likeliest_department(one: Recorded, resolved: Resolved) -> str | None:
    is_open = not resolved.departments or _knows_department(one, resolved)
    return one.department if is_open else min(resolved.departments)


def _passes(call: Call, caller: Caller, resolved: Resolved) -> bool:
    return not isinstance(check_scope(call, caller, resolved), Deny)

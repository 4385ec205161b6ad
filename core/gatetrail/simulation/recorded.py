"""A recorded decision as the call and the caller that it was about, and what of them is not in the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from gatetrail.call import CUT_MARK, Call, Ids, Kind, Origin, arguments_digest
from gatetrail.clock import from_rfc3339
from gatetrail.events.executions import AGENT_METHOD
from gatetrail.identity.caller import Anonymous, Authenticated, AuthMethod, Caller, IdentityRefusal, Refused
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.hooks import HookMoment
from gatetrail.redaction.marks import MASK, is_mark
from gatetrail.words import GateName, GateOutcome, ReasonCode

KINDS: Mapping[str, Kind] = {
    "tools/call": Kind.TOOL,
    "prompts/get": Kind.PROMPT,
    "resources/read": Kind.RESOURCE,
    "resources/subscribe": Kind.RESOURCE,
    AGENT_METHOD: Kind.TOOL,
}
PROOFS = frozenset(
    code for code in ReasonCode if code.startswith(("identity_", "token_", "session_of_", "session_ended"))
)
"""Denials of who could not prove who he is: the proof is not in the record, and is taken as it was judged."""

GRANTS = frozenset(
    {
        *(ReasonCode.TIER_TOO_LOW, ReasonCode.SESSION_TIER_TOO_LOW),
        *(ReasonCode.SCOPE_MISSING, ReasonCode.AUDIENCE_WRONG, ReasonCode.DEPARTMENT_WRONG),
    }
)
"""Denials by scope of what exists."""

LISTINGS = frozenset(
    {
        *("initialize", "ping", "server/discover", "logging/setLevel", "resources/unsubscribe"),
        *("tools/list", "prompts/list", "resources/list", "resources/templates/list", "subscriptions/listen"),
        *("notifications/cancelled", "notifications/initialized", "notifications/progress"),
        "notifications/roots/list_changed",
    }
)
"""Methods that reach nothing with a name; a list of the specification, as `gatetrail.mcp.handlers` has it."""

MOMENTS = frozenset({"hooks/unreadable", *(f"hooks/{moment.value}" for moment in HookMoment)})
"""What agents report besides the use of a tool: open as a list is."""

_NO_ARGUMENTS = arguments_digest({})


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision, taken back into its parts."""

    keys: Mapping[str, Any]
    """The event as it stands in the journal."""
    call: Call
    caller: Caller
    moment_us: int
    arguments_known: bool
    """True only where the preview is proven by the digest to be all of them."""
    scopes_known: bool
    audiences_known: bool
    department_known: bool
    """True also for a hash of it: whether that can be compared depends on the policy."""
    agent_known: bool
    existence_known: bool
    """True where the server surely has what was asked for; else `call.known` is a guess."""
    proof_known: bool
    """False where he was turned away before anybody had said whether his proof holds."""
    names_known: bool
    """False where the name of the server or the tool was cut or redacted."""

    @property
    def user_id(self) -> str | None:
        """As it is recorded."""
        return self.caller.user_id if isinstance(self.caller, Authenticated) else None

    @property
    def department(self) -> str | None:
        """As it is recorded."""
        return self.caller.department if isinstance(self.caller, Authenticated) else None

    @property
    def allowed(self) -> bool:
        return bool(self.keys["decision"] == "allow")

    @property
    def gate(self) -> str:
        return str(self.keys["gate"])

    @property
    def reason_code(self) -> str:
        return str(self.keys["reason_code"])

    @property
    def reason(self) -> str:
        return str(self.keys["reason"])

    @property
    def policy_version(self) -> str:
        return str(self.keys["policy_version"])


def recorded(line: bytes) -> Recorded:
    """The decision in a line of the journal. Raises ValueError for what is none."""
    keys: dict[str, Any] = orjson.loads(line)
    try:
        return _recorded(keys)
    except (KeyError, TypeError) as problem:
        raise ValueError(f"it is no decision: {problem!r}") from None


def _recorded(keys: dict[str, Any]) -> Recorded:
    arguments = _arguments(keys)
    is_ahead = keys["gate"] == GateName.SCANNER and keys["gate_scope"] == GateOutcome.SKIPPED
    agent, department = keys.get("http_user_agent"), keys.get("department")
    call = Call(
        server_name=keys["server_name"],
        tool_name=keys["tool_name"],
        ids=Ids(keys["trace_id"], session_id=keys.get("session_id"), client_id=keys.get("client_id")),
        kind=kind_of(keys["method"], keys["tool_name"]),
        method=keys["method"],
        arguments=arguments or {},
        known=keys["reason_code"] != ReasonCode.UNKNOWN_TOOL,
        origin=Origin(keys.get("src_ip"), agent if _is_whole(agent) else None),
    )
    return Recorded(
        keys=keys,
        call=call,
        caller=_caller(keys),
        moment_us=from_rfc3339(keys["@timestamp"]),
        arguments_known=arguments is not None,
        scopes_known=_is_complete(keys.get("scopes")),
        audiences_known=_is_complete(keys.get("audiences")),
        department_known=not _may_be_dropped(keys) if department is None else not department.startswith(MASK[:-1]),
        agent_known=agent is None or _is_whole(agent),
        existence_known=_exists(keys) or call.kind in {Kind.METHOD, Kind.LISTING},
        proof_known=keys["auth_method"] != AuthMethod.NONE or not is_ahead,
        names_known=all(_is_whole(keys[name]) for name in ("server_name", "tool_name")),
    )


def _may_be_dropped(keys: dict[str, Any]) -> bool:
    """Whether redaction may have left out what is not there: then it has hashed the user, and left out the address."""
    return is_mark(keys.get("user_id") or "") and "src_ip" not in keys


def _exists(keys: dict[str, Any]) -> bool:
    """Whether the decision says that the server has it: everything that is asked after that says so."""
    return keys["gate_scope"] == GateOutcome.PASS or keys["reason_code"] in GRANTS


def kind_of(method: str, name: str) -> Kind:
    """What a decision's `tool_name` names; for methods and lists it repeats the method.

    The name is the caller's own choice: a tool that is called like a method is a tool, by how it was asked for.
    """
    if method in KINDS:
        return KINDS[method]
    if method == "completion/complete":
        return Kind.RESOURCE if "://" in name else Kind.PROMPT
    return Kind.LISTING if method in LISTINGS or method in MOMENTS else Kind.METHOD


def _caller(keys: dict[str, Any]) -> Caller:
    if keys["reason_code"] in PROOFS:
        refusals = frozenset(IdentityRefusal)
        code = keys["reason_code"]
        return Refused(
            IdentityRefusal(code) if code in refusals else IdentityRefusal.TOKEN_MALFORMED,
            keys["reason"],
        )
    if keys["auth_method"] == AuthMethod.NONE:
        return Anonymous(keys.get("session_id"))
    tier = Tier(keys["actual_tier"])
    # Of the token's own tier only this much is known: where the session was too low for it, it was enough.
    told = keys["required_tier"] if keys["reason_code"] == ReasonCode.SESSION_TIER_TOO_LOW else tier
    return Authenticated(
        user_id=keys["user_id"],
        tier=tier,
        token_tier=Tier(told),
        caller_type=CallerType(keys["caller_type"]),
        auth_method=AuthMethod(keys["auth_method"]),
        scopes=frozenset(cast("list[str]", keys.get("scopes") or ())),
        roles=tuple(cast("list[str]", keys.get("roles") or ())),
        audiences=frozenset(cast("list[str]", keys.get("audiences") or ())),
        department=keys.get("department"),
        session_id=keys.get("session_id"),
        client_id=keys.get("client_id"),
    )


def _arguments(keys: dict[str, Any]) -> dict[str, Any] | None:
    """All arguments of the call, or None: then they are not in the record, or not all of them, or not in clear."""
    digest, preview = keys.get("arguments_digest"), keys.get("arguments_preview")
    if digest == _NO_ARGUMENTS:
        return {}
    if digest is None or preview is None:
        return None
    try:
        shown: object = orjson.loads(preview)
    except ValueError:
        return None
    if not isinstance(shown, dict):
        return None
    arguments = cast("dict[str, Any]", shown)
    return arguments if arguments_digest(arguments) == digest else None


def _is_whole(text: str | None) -> bool:
    return text is not None and not text.endswith(CUT_MARK) and not is_mark(text) and MASK not in text


def _is_complete(names: list[str] | None) -> bool:
    return names is not None and all(_is_whole(name) for name in names)

"""What an OCSF event has by its class."""

from __future__ import annotations

from typing import assert_never, cast

from gatetrail.formats import ocsf_parts as parts
from gatetrail.formats.keys import Keys
from gatetrail.formats.kinds import Kind
from gatetrail.formats.ocsf_parts import PRODUCT, UNKNOWN, Object, without_absent

RESOURCE_TYPES = {"resources": "mcp_resource", "prompts": "mcp_prompt"}
"""`resources[].type` by the first word of the method; of others it is `mcp_tool`."""

NEW_FINDING = (1, "New")
RULE_ANALYTIC = (1, "Rule")
POLICY_ENTITY = (5, "Policy")
USER_ENTITY = (2, "User")
OTHER_ENTITY = 99


def put_body(keys: Keys, told: Object, moment_ms: int) -> None:  # noqa: C901 -- one for each kind
    """Take from the keys what the kind's class has a place for. Raises ValueError for the lack of what it demands."""
    match keys.kind:
        case Kind.TOOL_CALL_DECIDED | Kind.TOOL_CALL_COMPLETED | Kind.EXECUTION_ORPHANED | Kind.MANIFEST_LISTED:
            _put_api_activity(keys, told, moment_ms)
        case Kind.SCANNER_DETECTED:
            _put_finding(keys, told)
        case Kind.IDENTITY_REFUSED | Kind.SESSION_STARTED | Kind.SESSION_RESUMED | Kind.SESSION_ENDED:
            _put_authentication(keys, told)
        case Kind.POLICY_CHANGED | Kind.POLICY_REJECTED:
            _put_entity(keys, told)
        case Kind.IDENTITY_RESTRICTED | Kind.IDENTITY_RESTORED:
            _put_restricted(keys, told)
        case Kind.LIFECYCLE:
            told["app"] = {"name": keys.look("client_id") or UNKNOWN}
            _put_actor(keys, told)
        case Kind.HOOK_FAILED:
            _put_actor(keys, told)
        case Kind.AUDIT_HEARTBEAT | Kind.AUDIT_CHECKPOINT | Kind.AUDIT_GAP:
            _put_trail(keys, told)
        case Kind.AUDIT_SINK_FAILED | Kind.AUDIT_SINK_RECOVERED | Kind.HOOK_RAN:
            _put_trail(keys, told)
        case Kind.RATE_STORE_FAILED | Kind.RATE_STORE_RECOVERED:
            _put_trail(keys, told)
        case _:
            assert_never(keys.kind)


def _put_api_activity(keys: Keys, told: Object, moment_ms: int) -> None:
    told["actor"] = parts.actor(keys) or {"user": parts.user(None)}
    _put_origin(keys, told, path=False)
    method, server = keys.text("method"), keys.text("server_name")
    call, tool = keys.text("call_id"), keys.text("tool_name")
    told["api"] = without_absent(
        operation=method or UNKNOWN,
        request={"uid": call} if call is not None else None,
        service={"name": server, "uid": server} if server is not None else None,
    )
    if server is not None:
        told["dst_endpoint"] = {"svc_name": server}
    if tool is not None:
        told["resources"] = [_resource(method or "", server or UNKNOWN, tool)]
    parts.put_decision(keys, told)
    parts.put_trace(keys, told, moment_ms)


def _resource(method: str, server: str, name: str) -> Object:
    kind = RESOURCE_TYPES.get(method.partition("/")[0], "mcp_tool")
    return {"name": name, "uid": f"{server}/{name}", "type": kind}


def _put_origin(keys: Keys, told: Object, *, path: bool) -> None:
    told["src_endpoint"] = parts.source(keys)
    request = parts.http_request(keys, path=path)
    if request:
        told["http_request"] = request


def _put_finding(keys: Keys, told: Object) -> None:
    """The probe is the finding's one evidence."""
    told["status_id"], told["status"] = NEW_FINDING
    analytic_id, analytic = RULE_ANALYTIC
    told["finding_info"] = {
        "uid": cast("Object", told["metadata"])["uid"],
        "title": "Scanner detected",
        "analytic": without_absent(
            type_id=analytic_id, type=analytic, name=told.get("status_code", UNKNOWN), uid=keys.look("rule_id")
        ),
    }
    evidence: Object = {}
    _put_origin(keys, evidence, path=True)
    told["evidences"] = [evidence]
    _put_actor(keys, told)
    parts.put_decision(keys, told)


def _put_authentication(keys: Keys, told: Object) -> None:
    """Who logs on to Gatetrail. A refused identity is one that was only claimed."""
    claimed = keys.text("claimed_user_id") if keys.kind is Kind.IDENTITY_REFUSED else keys.look("user_id")
    told["user"] = parts.user(claimed)
    session = keys.look("session_id")
    if session is not None:
        told["session"] = {"uid": session}
    told["service"] = {"name": PRODUCT}
    protocol = keys.text("auth_method")
    if protocol is not None:
        told["auth_protocol_id"], told["auth_protocol"] = 99, protocol
    _put_origin(keys, told, path=True)
    _put_actor(keys, told)


def _put_entity(keys: Keys, told: Object) -> None:
    """The policy: as it was, and for a change as it is from now on. A refused file leaves it as it was."""
    origin, version = keys.needed("policy_source"), keys.needed("policy_version")
    before = keys.text("previous_policy_version") if keys.kind is Kind.POLICY_CHANGED else version
    told["entity"] = _policy(origin, before)
    if keys.kind is Kind.POLICY_CHANGED:
        told["entity_result"] = _policy(origin, version)
    _put_actor(keys, told)


def _policy(origin: str, version: str | None) -> Object:
    type_id, caption = POLICY_ENTITY
    return without_absent(name=origin, uid=origin, type_id=type_id, type=caption, version=version)


def _put_restricted(keys: Keys, told: Object) -> None:
    """The token, or else the user, that it is about; who did it is the actor."""
    token = keys.text("token_id")
    if token is not None:
        told["entity"] = {"uid": token, "type_id": OTHER_ENTITY, "type": "Token"}
    else:
        type_id, caption = USER_ENTITY
        told["entity"] = {"uid": keys.text("user_id") or UNKNOWN, "type_id": type_id, "type": caption}
    told["actor"] = {"user": parts.user(keys.needed("changed_by"))}


def _put_trail(keys: Keys, told: Object) -> None:
    told["app"] = {"name": PRODUCT, "vendor_name": PRODUCT}
    _put_actor(keys, told)


def _put_actor(keys: Keys, told: Object) -> None:
    acting = parts.actor(keys)
    if acting:
        told["actor"] = acting

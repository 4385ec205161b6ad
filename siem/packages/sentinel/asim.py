"""The parsers that show our events in Microsoft's Advanced Security Information Model, schema AuditEvent 0.1.

Sources: Microsoft's "ASIM Audit Events normalization schema reference" and the parameters of its filtering parsers.
"""

from __future__ import annotations

from siem.languages.kusto_columns import TABLE

PLAIN = "ASimAuditEventGatetrail"
FILTERING = "vimAuditEventGatetrail"

PARAMETERS = {
    PLAIN: "disabled: bool = false",
    FILTERING: (
        "starttime: datetime = datetime(null), endtime: datetime = datetime(null), "
        "srcipaddr_has_any_prefix: dynamic = dynamic([]), actorusername_has_any: dynamic = dynamic([]), "
        "operation_has_any: dynamic = dynamic([]), eventtype_in: dynamic = dynamic([]), "
        "eventresult: string = '*', object_has_any: dynamic = dynamic([]), "
        "newvalue_has_any: dynamic = dynamic([]), disabled: bool = false"
    ),
}
"""As the function's own parameters in Log Analytics are written."""

_SELECTED = f"""\
{TABLE}
| where not(disabled)
| where event_name in ("tool_call.decided", "tool_call.completed", "execution.orphaned", "scanner.detected",
    "policy.changed", "policy.rejected", "identity.restricted", "identity.restored")"""

_EARLY = """
| where (isnull(starttime) or TimeGenerated >= starttime) and (isnull(endtime) or TimeGenerated <= endtime)
| where array_length(srcipaddr_has_any_prefix) == 0 or has_any_ipv4_prefix(src_ip, srcipaddr_has_any_prefix)"""

_MAPPED = """
| extend
    EventType = case(
        event_name in ("policy.changed", "policy.rejected"), "Set",
        event_name == "identity.restricted", "Disable",
        event_name == "identity.restored", "Enable",
        event_name == "scanner.detected", "Other",
        "Execute"),
    EventResult = case(
        decision == "deny" or event_name in ("policy.rejected", "execution.orphaned"), "Failure",
        execution_status in ("failed", "timeout"), "Failure",
        "Success"),
    Object = case(
        event_name in ("policy.changed", "policy.rejected"), policy_source,
        event_name in ("identity.restricted", "identity.restored"), coalesce(user_id, token_id),
        event_name == "scanner.detected", coalesce(endpoint, "Gatetrail"),
        tool_name),
    ObjectType = iff(event_name in ("policy.changed", "policy.rejected"), "Policy Rule", "Other"),
    Operation = coalesce(method, event_name),
    ActorUserId = coalesce(changed_by, iff(event_name startswith "identity.", "", user_id)),
    EventSeverity = case(
        severity_id == 1, "Informational",
        severity_id == 2, "Low",
        severity_id == 3, "Medium",
        "High")
| extend
    EventCount = int(1),
    EventStartTime = event_time,
    EventEndTime = event_time,
    EventUid = event_id,
    EventOriginalUid = event_id,
    EventOriginalType = event_name,
    EventOriginalSeverity = level,
    EventMessage = message,
    EventResultDetails = coalesce(reason_code, error_class),
    EventProduct = "Gatetrail",
    EventProductVersion = product_version,
    EventVendor = "Gatetrail",
    EventSchema = "AuditEvent",
    EventSchemaVersion = "0.1",
    Dvc = instance_id,
    DvcId = instance_id,
    DvcIdType = iff(isempty(instance_id), "", "Other"),
    DvcAction = case(decision == "allow", "Allow", decision == "deny", "Deny", ""),
    OldValue = previous_policy_version,
    NewValue = iff(event_name == "policy.changed", policy_version, ""),
    ValueType = iff(event_name == "policy.changed", "Other", ""),
    ActorUsername = ActorUserId,
    ActorUserIdType = iff(isempty(ActorUserId), "", "Other"),
    ActorUsernameType = iff(isempty(ActorUserId), "", "Simple"),
    ActorSessionId = session_id,
    ActingAppId = client_id,
    ActingAppType = iff(isempty(client_id), "", "Other"),
    TargetAppName = server_name,
    TargetAppType = iff(isempty(server_name), "", "Service"),
    SrcIpAddr = src_ip,
    HttpUserAgent = http_user_agent,
    RuleName = coalesce(rule_id, gate),
    AdditionalFields = bag_pack(
        "execution_id", execution_id, "trace_id", trace_id, "gate", gate, "reason", reason,
        "required_tier", required_tier, "actual_tier", actual_tier, "caller_type", caller_type,
        "policy_version", policy_version, "latency_ms", latency_ms, "seq", seq, "event_hash", event_hash)
| extend
    User = ActorUsername,
    IpAddr = SrcIpAddr,
    Src = SrcIpAddr,
    Application = TargetAppName,
    Value = NewValue,
    Rule = RuleName"""

_LATE = """
| where array_length(actorusername_has_any) == 0 or ActorUsername has_any (actorusername_has_any)
| where array_length(operation_has_any) == 0 or Operation has_any (operation_has_any)
| where array_length(eventtype_in) == 0 or EventType in~ (eventtype_in)
| where eventresult == '*' or EventResult =~ eventresult
| where array_length(object_has_any) == 0 or Object has_any (object_has_any)
| where array_length(newvalue_has_any) == 0 or NewValue has_any (newvalue_has_any)"""

_KEPT = """
| project TimeGenerated, Type, EventCount, EventStartTime, EventEndTime, EventType, EventResult, EventResultDetails,
    EventUid, EventOriginalUid, EventOriginalType, EventOriginalSeverity, EventSeverity, EventMessage, EventProduct,
    EventProductVersion, EventVendor, EventSchema, EventSchemaVersion, Dvc, DvcId, DvcIdType, DvcAction, Operation,
    Object, ObjectType, OldValue, NewValue, Value, ValueType, ActorUserId, ActorUserIdType, ActorUsername,
    ActorUsernameType, User, ActorSessionId, ActingAppId, ActingAppType, TargetAppName, TargetAppType, Application,
    SrcIpAddr, IpAddr, Src, HttpUserAgent, RuleName, Rule, AdditionalFields"""


def body(name: str) -> str:
    """The function's query, over its parameters."""
    early, late = (_EARLY, _LATE) if name == FILTERING else ("", "")
    return f"{_SELECTED}{early}{_MAPPED}{late}{_KEPT}"


def parser(name: str) -> str:
    """As a text that runs where it is pasted, with every parameter left out."""
    return f"// {name}: our events in ASIM's schema AuditEvent 0.1\n{_defined(name)}\nparser()"


def stored(name: str) -> str:
    """The query to store as the function, beside which Log Analytics keeps the parameters."""
    return f"{_defined(name)}\nparser({', '.join(f'{one} = {one}' for one in names(name))})"


def names(name: str) -> list[str]:
    """Of the parameters, in their order."""
    return [one.partition(":")[0] for one in PARAMETERS[name].split(", ")]


def _defined(name: str) -> str:
    return f"let parser = ({PARAMETERS[name]}) {{\n{body(name)}\n}};"

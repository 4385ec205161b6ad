"""What ASIM's schema AuditEvent 0.1 demands (Microsoft, "ASIM Audit Events normalization schema reference")."""

from __future__ import annotations

MANDATORY = {
    "TimeGenerated": "datetime",
    "EventCount": "int",
    "EventStartTime": "datetime",
    "EventEndTime": "datetime",
    "EventType": "string",
    "EventResult": "string",
    "EventProduct": "string",
    "EventVendor": "string",
    "EventSchema": "string",
    "EventSchemaVersion": "string",
    "Dvc": "string",
    "Operation": "string",
    "Object": "string",
    "ObjectType": "string",
    "Type": "string",
}
"""Columns with their types. `Type` names the table, for whoever reads the events of several parsers."""

CONDITIONAL = {"DvcId": "DvcIdType", "NewValue": "ValueType", "ActorUserId": "ActorUserIdType"}
"""Columns that want another beside them."""

CLOSED = {
    "EventType": {
        "Set",
        "Read",
        "Create",
        "Delete",
        "Execute",
        "Install",
        "Clear",
        "Enable",
        "Disable",
        "Other",
    },
    "EventResult": {"Success", "Failure", "Partial", "NA"},
    "ObjectType": {"Cloud Resource", "Configuration Atom", "Policy Rule", "Other"},
    "EventSeverity": {"Informational", "Low", "Medium", "High"},
}
"""The words that a column may say."""

"""One template for Azure Resource Manager: table, collection, parsers and rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siem.languages.kusto_columns import TABLE, schema
from siem.packages.schedule import pause_s
from siem.packages.sentinel.analytics import alarms, described, entities, severity, tactics, techniques
from siem.packages.sentinel.asim import FILTERING, PARAMETERS, PLAIN, stored
from siem.packages.sentinel.told import grouping, iso, period_s
from siem.packages.sentinel.transform import transform
from siem.rule import Rule

INPUT = "Custom-Text-Gatetrail"
"""The stream of raw lines."""
WORKSPACE = "[parameters('workspace')]"
WORKSPACE_ID = "[resourceId('Microsoft.OperationalInsights/workspaces', parameters('workspace'))]"
TABLE_ID = f"[resourceId('Microsoft.OperationalInsights/workspaces/tables', parameters('workspace'), '{TABLE}')]"
ENDPOINT_ID = (
    "[if(empty(parameters('dataCollectionEndpointId')), json('null'), parameters('dataCollectionEndpointId'))]"
)

Resource = Mapping[str, Any]


def template() -> Resource:
    """`az deployment group create --template-file azuredeploy.json` takes it. Rules come disabled."""
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "workspace": _parameter("The Log Analytics workspace that Microsoft Sentinel is on."),
            "location": _parameter("Its region.", "[resourceGroup().location]"),
            "dataCollectionEndpointId": _parameter(
                "Resource id of a data collection endpoint in that region; needed only with Azure Private Link.", ""
            ),
            "filePattern": _parameter(
                "Where the agents find the events: what the file sink writes.", "/var/log/gatetrail/audit.jsonl"
            ),
        },
        "resources": [
            _table(),
            _collection(),
            *(_function(name) for name in (PLAIN, FILTERING)),
            *(_alarm(rule, text) for rule, text in alarms()),
        ],
        "outputs": {
            "dataCollectionRuleId": {
                "type": "string",
                "value": "[resourceId('Microsoft.Insights/dataCollectionRules', 'gatetrail')]",
            }
        },
    }


def _parameter(description: str, default: str | None = None) -> Resource:
    return {
        "type": "string",
        **({} if default is None else {"defaultValue": default}),
        "metadata": {"description": description},
    }


def _table() -> Resource:
    return {
        "type": "Microsoft.OperationalInsights/workspaces/tables",
        "apiVersion": "2022-10-01",
        "name": f"[concat(parameters('workspace'), '/{TABLE}')]",
        "properties": {"plan": "Analytics", "schema": schema()},
    }


def _collection() -> Resource:
    """Linux machines with the Azure Monitor Agent read the file; the transform makes columns of its lines."""
    columns = {"TimeGenerated": "datetime", "RawData": "string", "FilePath": "string", "Computer": "string"}
    return {
        "type": "Microsoft.Insights/dataCollectionRules",
        "apiVersion": "2023-03-11",
        "name": "gatetrail",
        "location": "[parameters('location')]",
        "kind": "Linux",
        "dependsOn": [TABLE_ID],
        "properties": {
            "dataCollectionEndpointId": ENDPOINT_ID,
            "streamDeclarations": {
                INPUT: {"columns": [{"name": name, "type": kind} for name, kind in columns.items()]}
            },
            "dataSources": {
                "logFiles": [
                    {
                        "name": "gatetrail",
                        "streams": [INPUT],
                        "filePatterns": ["[parameters('filePattern')]"],
                        "format": "text",
                    }
                ]
            },
            "destinations": {"logAnalytics": [{"name": "workspace", "workspaceResourceId": WORKSPACE_ID}]},
            "dataFlows": [
                {
                    "streams": [INPUT],
                    "destinations": ["workspace"],
                    "transformKql": transform(),
                    "outputStream": f"Custom-{TABLE}",
                }
            ],
        },
    }


def _function(name: str) -> Resource:
    return {
        "type": "Microsoft.OperationalInsights/workspaces/savedSearches",
        "apiVersion": "2020-08-01",
        "name": f"[concat(parameters('workspace'), '/{name}')]",
        "dependsOn": [TABLE_ID],
        "properties": {
            "etag": "*",
            "category": "ASIM",
            "displayName": f"Gatetrail in ASIM AuditEvent: {name}",
            "functionAlias": name,
            "functionParameters": PARAMETERS[name].replace(" = ", "=").replace(": ", ":"),
            "query": stored(name),
            "version": 2,
        },
    }


def _alarm(rule: Rule, text: str) -> Resource:
    return {
        "type": "Microsoft.SecurityInsights/alertRules",
        "apiVersion": "2023-11-01",
        "name": rule.id,
        "scope": "[concat('Microsoft.OperationalInsights/workspaces/', parameters('workspace'))]",
        "kind": "Scheduled",
        "dependsOn": [TABLE_ID],
        "properties": {
            "displayName": f"Gatetrail: {rule.title}",
            "description": described(rule),
            "severity": severity(rule),
            "enabled": False,
            "query": text,
            "queryFrequency": iso(pause_s(rule)),
            "queryPeriod": iso(period_s(rule)),
            "triggerOperator": "GreaterThan",
            "triggerThreshold": 0,
            "suppressionEnabled": False,
            "suppressionDuration": "PT1H",
            "tactics": tactics(rule),
            "techniques": techniques(rule),
            **({"entityMappings": entities(rule)} if entities(rule) else {}),
            **grouping(rule),
        },
    }

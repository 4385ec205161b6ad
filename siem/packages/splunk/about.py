"""What the add-on says of itself: app.conf and app.manifest."""

from __future__ import annotations

import tomllib
from functools import cache

import orjson

from siem.packages.splunk.conf import conf_text
from siem.places import ROOT

ADD_ON = "TA-gatetrail"
FOLDER = f"splunk/{ADD_ON}"
TITLE = "Gatetrail Add-on for Splunk"
DESCRIPTION = "Audit events of MCP tool calls: fields, CIM, searches that find trouble, and a dashboard."


@cache
def version() -> str:
    """The product's release; the add-on has no other."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def app_conf() -> str:
    """Not configured by itself: there is nothing that has to be set up."""
    stanzas = (
        ("install", {"is_configured": "0", "build": "1"}),
        ("ui", {"is_visible": "1", "label": "Gatetrail"}),
        ("launcher", {"author": "Gatetrail", "description": DESCRIPTION, "version": version()}),
        ("package", {"id": ADD_ON, "check_for_updates": "0"}),
        ("id", {"name": ADD_ON, "version": version()}),
    )
    return conf_text(stanzas, "Written by 'make siem'.")


def app_manifest() -> str:
    """Source: dev.splunk.com, "Splunk app.manifest schema definition", version 2.0.0."""
    manifest = {
        "schemaVersion": "2.0.0",
        "info": {
            "title": TITLE,
            "id": {"group": None, "name": ADD_ON, "version": version()},
            "author": [{"name": "Gatetrail", "email": None, "company": None}],
            "releaseDate": None,
            "description": DESCRIPTION,
            "classification": {
                "intendedAudience": "Security, Fraud & Compliance",
                "categories": ["Security, Fraud & Compliance"],
                "developmentStatus": "Production/Stable",
            },
            "commonInformationModels": {
                "Alerts": "=6.0.0",
                "Authentication": "=6.0.0",
                "Change": "=6.0.0",
                "Data_Access": "=6.0.0",
                "Intrusion_Detection": "=6.0.0",
            },
            "license": {"name": "Apache-2.0", "text": "LICENSE", "uri": None},
            "privacyPolicy": {"name": None, "text": None, "uri": None},
            "releaseNotes": {"name": "README", "text": "README.md", "uri": None},
        },
        "dependencies": None,
        "tasks": None,
        "inputGroups": None,
        "incompatibleApps": None,
        "platformRequirements": None,
        "supportedDeployments": ["_standalone", "_distributed", "_search_head_clustering"],
        "targetWorkloads": ["_search_heads", "_indexers", "_forwarders"],
    }
    return orjson.dumps(manifest, option=orjson.OPT_INDENT_2).decode() + "\n"

"""Table, transform, parser and analytic rules for Microsoft Sentinel, and the template that deploys all of them."""

from __future__ import annotations

import json

from siem.files import Files
from siem.languages.kusto_columns import table
from siem.packages.sentinel.analytics import rule_files
from siem.packages.sentinel.asim import FILTERING, PLAIN, parser
from siem.packages.sentinel.template import template
from siem.packages.sentinel.transform import transform


def files() -> Files:
    """All that is generated of it."""
    return {
        "sentinel/table.json": _json(table()),
        "sentinel/transform.kql": f"{transform()}\n".encode(),
        f"sentinel/parsers/{PLAIN}.kql": f"{parser(PLAIN)}\n".encode(),
        f"sentinel/parsers/{FILTERING}.kql": f"{parser(FILTERING)}\n".encode(),
        "sentinel/azuredeploy.json": _json(template()),
        **rule_files(),
    }


def _json(document: object) -> bytes:
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n".encode()

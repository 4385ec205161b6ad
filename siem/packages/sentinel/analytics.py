"""Analytic rules: each alarm on a schedule, in the form of Sentinel's own repository and of its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import yaml

from siem.files import Files
from siem.packages.schedule import pause_s
from siem.packages.sentinel.told import grouping, period_s, told
from siem.queries import Language, query
from siem.rule import Rule, Severity
from siem.sources import rules

VERSION = "1.0.0"
ENTITIES = {"user_id": ("Account", "Name"), "src_ip": ("IP", "Address")}
"""Our keys that Sentinel knows as entities: type and identifier."""
OLDER = {"DefenseImpairment": "DefenseEvasion", "T1685": "T1562"}
"""What ATT&CK 19 has named anew, in the words of before that: Sentinel's API knows no others (`AttackTactic`)."""


def alarms() -> Sequence[tuple[Rule, str]]:
    """The rules that are alarms, with what their analytic rules ask, where Kusto can express them."""
    found = ((rule, query(rule, Language.KUSTO)) for rule in rules() if rule.is_alarm)
    return [(rule, told(rule, text)) for rule, text in found if text is not None]


def rule_files() -> Files:
    """One YAML file for each."""
    return {f"sentinel/analytic-rules/{rule.name}.yaml": _yaml(rule, text).encode() for rule, text in alarms()}


def severity(rule: Rule) -> str:
    """In Sentinel's words; it has none above High."""
    match rule.severity:
        case Severity.INFORMATIONAL:
            return "Informational"
        case Severity.LOW:
            return "Low"
        case Severity.MEDIUM:
            return "Medium"
        case Severity.HIGH | Severity.CRITICAL:
            return "High"
        case _:
            assert_never(rule.severity)


def tactics(rule: Rule) -> list[str]:
    """ATT&CK's tactics in Sentinel's spelling: `attack.credential-access` is `CredentialAccess`."""
    tags = [tag.removeprefix("attack.") for tag in rule.tags if tag.startswith("attack.")]
    named = ("".join(word.capitalize() for word in tag.split("-")) for tag in tags if not _is_technique(tag))
    return sorted({OLDER.get(name, name) for name in named})


def techniques(rule: Rule) -> list[str]:
    """ATT&CK's techniques, without their parts: Sentinel takes whole ones here."""
    tags = [tag.removeprefix("attack.") for tag in rule.tags if tag.startswith("attack.")]
    named = (tag.partition(".")[0].upper() for tag in tags if _is_technique(tag))
    return sorted({OLDER.get(name, name) for name in named})


def entities(rule: Rule) -> list[Mapping[str, Any]]:
    """Of the columns of its result. Sentinel leaves out those that are empty."""
    shown = {*rule.fields, *(rule.window.group_by if rule.window else ())}
    return [
        {"entityType": kind, "fieldMappings": [{"identifier": identifier, "columnName": key}]}
        for key, (kind, identifier) in ENTITIES.items()
        if key in shown
    ]


def described(rule: Rule) -> str:
    """What it means, and what else it may be."""
    return f"{rule.description} May also be: {' '.join(rule.false_positives)}"


def _is_technique(tag: str) -> bool:
    return tag[0] == "t" and tag[1:5].isdigit()


def _yaml(rule: Rule, text: str) -> str:
    document = {
        "id": rule.id,
        "name": f"Gatetrail: {rule.title}",
        "version": VERSION,
        "kind": "Scheduled",
        "description": described(rule),
        "severity": severity(rule),
        "status": "Available",
        "requiredDataConnectors": [],
        "queryFrequency": _short(pause_s(rule)),
        "queryPeriod": _short(period_s(rule)),
        "triggerOperator": "gt",
        "triggerThreshold": 0,
        "tactics": tactics(rule),
        "relevantTechniques": techniques(rule),
        "query": f"{text}\n",
        **({"entityMappings": entities(rule)} if entities(rule) else {}),
        **grouping(rule),
    }
    return yaml.dump(document, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=120)


def _short(seconds_: int) -> str:
    for unit, length_s in (("d", 86_400), ("h", 3600)):
        if seconds_ % length_s == 0:
            return f"{seconds_ // length_s}{unit}"
    return f"{seconds_ // 60}m"


class _Readable(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _text(_: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _text)

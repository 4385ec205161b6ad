"""The tactics and techniques of MITRE ATT&CK that rules name, with their names: Enterprise v19 (attack.mitre.org)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SITE = "https://attack.mitre.org"

TACTICS: Mapping[str, tuple[str, str]] = {
    "credential-access": ("TA0006", "Credential Access"),
    "defense-impairment": ("TA0112", "Defense Impairment"),
    "execution": ("TA0002", "Execution"),
    "impact": ("TA0040", "Impact"),
    "initial-access": ("TA0001", "Initial Access"),
    "lateral-movement": ("TA0008", "Lateral Movement"),
    "persistence": ("TA0003", "Persistence"),
    "privilege-escalation": ("TA0004", "Privilege Escalation"),
    "reconnaissance": ("TA0043", "Reconnaissance"),
}


@dataclass(frozen=True, slots=True)
class Technique:
    """One of ATT&CK's, with those of its tactics that rules name."""

    name: str
    tactics: frozenset[str]


TECHNIQUES: Mapping[str, Technique] = {
    "T1078": Technique("Valid Accounts", frozenset(("initial-access", "persistence", "privilege-escalation"))),
    "T1098": Technique("Account Manipulation", frozenset(("persistence", "privilege-escalation"))),
    "T1190": Technique("Exploit Public-Facing Application", frozenset(("initial-access",))),
    "T1489": Technique("Service Stop", frozenset(("impact",))),
    "T1499": Technique("Endpoint Denial of Service", frozenset(("impact",))),
    "T1499.003": Technique("Application Exhaustion Flood", frozenset(("impact",))),
    "T1499.004": Technique("Application or System Exploitation", frozenset(("impact",))),
    "T1528": Technique("Steal Application Access Token", frozenset(("credential-access",))),
    "T1550": Technique("Use Alternate Authentication Material", frozenset(("lateral-movement",))),
    "T1550.001": Technique("Application Access Token", frozenset(("lateral-movement",))),
    "T1565": Technique("Data Manipulation", frozenset(("impact",))),
    "T1565.001": Technique("Stored Data Manipulation", frozenset(("impact",))),
    "T1595": Technique("Active Scanning", frozenset(("reconnaissance",))),
    "T1595.002": Technique("Vulnerability Scanning", frozenset(("reconnaissance",))),
    "T1595.003": Technique("Wordlist Scanning", frozenset(("reconnaissance",))),
    "T1685": Technique("Disable or Modify Tools", frozenset(("defense-impairment",))),
}


def threat(tags: Sequence[str]) -> list[dict[str, Any]]:
    """`threat` of a detection rule: each technique under each tactic that both the rule and ATT&CK give it.

    Raises AssertionError for a technique that has no tactic among the rule's, and KeyError for one that is not known.
    """
    own = [tag.removeprefix("attack.") for tag in tags if tag.startswith("attack.")]
    tactics = [tag for tag in own if not _is_technique(tag)]
    techniques = [tag.upper() for tag in own if _is_technique(tag)]
    for technique in techniques:
        assert TECHNIQUES[technique].tactics & set(tactics), f"{technique} has no tactic among {tactics}"
    return [_tactic(tactic, [one for one in techniques if tactic in TECHNIQUES[one].tactics]) for tactic in tactics]


def atlas(tags: Sequence[str]) -> Iterator[str]:
    """The techniques of MITRE ATLAS as tags; a rule's `threat` knows ATT&CK only."""
    return (f"MITRE ATLAS: {tag.removeprefix('atlas.').upper()}" for tag in tags if tag.startswith("atlas."))


def _is_technique(tag: str) -> bool:
    return tag[0] == "t" and tag[1:2].isdigit()


def _tactic(tactic: str, techniques: Sequence[str]) -> dict[str, Any]:
    number, name = TACTICS[tactic]
    reference = {"id": number, "name": name, "reference": f"{SITE}/tactics/{number}/"}
    parents = list(dict.fromkeys(technique.partition(".")[0] for technique in techniques))
    found: dict[str, Any] = {"framework": "MITRE ATT&CK", "tactic": reference}
    return {**found, "technique": [_technique(one, techniques) for one in parents]} if parents else found


def _technique(parent: str, techniques: Sequence[str]) -> dict[str, Any]:
    below = [_reference(one) for one in techniques if one.startswith(f"{parent}.")]
    return {**_reference(parent), "subtechnique": below} if below else _reference(parent)


def _reference(technique: str) -> dict[str, str]:
    path = technique.replace(".", "/")
    return {"id": technique, "name": TECHNIQUES[technique].name, "reference": f"{SITE}/techniques/{path}/"}

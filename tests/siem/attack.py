"""What our rules name of ATT&CK (19, April 2026) and ATLAS (5.2), so that a slip of the pen is seen offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Technique(NamedTuple):
    """As attack.mitre.org names it, with the tactics that it serves, in Sigma's form."""

    name: str
    tactics: frozenset[str]


TACTICS = frozenset(
    {
        "reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation",
        "stealth", "defense-impairment", "credential-access", "discovery", "lateral-movement", "collection",
        "command-and-control", "exfiltration", "impact",
    }
)  # fmt: skip
"""`defense-evasion` was split into stealth and defense impairment, and T1562 became T1685."""

ATTACK: Mapping[str, Technique] = {
    name: Technique(title, frozenset(tactics.split()))
    for name, title, tactics in (
        ("t1078", "Valid Accounts", "initial-access persistence privilege-escalation stealth"),
        ("t1098", "Account Manipulation", "persistence privilege-escalation"),
        ("t1190", "Exploit Public-Facing Application", "initial-access"),
        ("t1489", "Service Stop", "impact"),
        ("t1499.003", "Endpoint Denial of Service: Application Exhaustion Flood", "impact"),
        ("t1499.004", "Endpoint Denial of Service: Application or System Exploitation", "impact"),
        ("t1528", "Steal Application Access Token", "credential-access"),
        ("t1550.001", "Use Alternate Authentication Material: Application Access Token", "lateral-movement"),
        ("t1565.001", "Data Manipulation: Stored Data Manipulation", "impact"),
        ("t1595.002", "Active Scanning: Vulnerability Scanning", "reconnaissance"),
        ("t1595.003", "Active Scanning: Wordlist Scanning", "reconnaissance"),
        ("t1685", "Disable or Modify Tools", "defense-impairment"),
    )
}

ATLAS: Mapping[str, str] = {
    "aml.t0006": "Active Scanning",
    "aml.t0012": "Valid Accounts",
    "aml.t0029": "Denial of AI Service",
    "aml.t0034": "Cost Harvesting",
    "aml.t0053": "AI Agent Tool Invocation",
    "aml.t0081": "Modify AI Agent Configuration",
    "aml.t0091.000": "Use Alternate Authentication Material: Application Access Token",
}
"""Sigma names no namespace for ATLAS; `atlas` and the id in lower case is what those who tag for it write."""

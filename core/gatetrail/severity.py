"""How loud each case is, and what every product calls that: one table."""

from __future__ import annotations

from dataclasses import dataclass

from gatetrail.words import ExecutionStatus, GateName, Level


@dataclass(frozen=True, slots=True)
class Severity:
    """One level in the words and numbers of the formats that we write."""

    ocsf_id: int
    """OCSF `severity_id`, 1 informational to 5 critical; it is our own `severity_id` as well."""
    ocsf_caption: str
    cef: int
    """0 to 10. Readers band it: 0 to 3 low, 4 to 6 medium, 7 and 8 high, 9 and 10 very high."""
    otel_number: int
    """OpenTelemetry SeverityNumber."""
    otel_text: str
    syslog: int
    """RFC 5424 section 6.2.1, 7 debug to 0 emergency."""
    asim: str
    """Microsoft Sentinel's `EventSeverity`."""
    cim: str
    """`severity` of Splunk's Alerts data model."""


SEVERITIES: dict[Level, Severity] = {
    Level.INFO: Severity(1, "Informational", 1, 9, "INFO", 6, "Informational", "informational"),
    Level.NOTICE: Severity(2, "Low", 3, 10, "INFO2", 5, "Low", "low"),
    Level.WARNING: Severity(3, "Medium", 5, 13, "WARN", 4, "Medium", "medium"),
    Level.ERROR: Severity(4, "High", 8, 17, "ERROR", 3, "High", "high"),
    Level.CRITICAL: Severity(5, "Critical", 10, 21, "FATAL", 2, "High", "critical"),
}

DENIAL_LEVELS: dict[GateName, Level] = {
    GateName.NONE: Level.INFO,
    GateName.RATE_LIMIT: Level.NOTICE,
    GateName.SCOPE: Level.WARNING,
    GateName.BLOCKLIST: Level.WARNING,
    GateName.HOOK: Level.WARNING,
    GateName.SCANNER: Level.ERROR,
    GateName.AUDIT: Level.CRITICAL,
}
"""Of a decision, by the gate that denied; `none` is an allowed call."""

OUTCOME_LEVELS: dict[ExecutionStatus, Level] = {
    ExecutionStatus.PENDING: Level.INFO,
    ExecutionStatus.SUCCESS: Level.INFO,
    ExecutionStatus.FAILED: Level.WARNING,
    ExecutionStatus.TIMEOUT: Level.WARNING,
    ExecutionStatus.DENIED: Level.WARNING,
}
"""Of an outcome."""

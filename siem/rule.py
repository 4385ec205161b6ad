"""One question to the record, as a rule with an id, whatever language it is asked in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

TRACE_PLACEHOLDER = "TRACE_ID"
"""Stands in the queries of every product for the trace that is looked for."""


class Kind(StrEnum):
    """What it takes to answer."""

    MATCH = "match"
    """One event is enough."""
    COUNT = "count"
    """So many events of one group within a window."""
    DISTINCT = "distinct"
    """So many different values of one key, within one group and window."""
    NATIVE = "native"
    """More than Sigma can say: written by hand for each product."""


class Severity(StrEnum):
    """Sigma's levels (Sigma specification 2.1, `level`)."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Window:
    """What a correlation counts; the window slides and ends at each event in turn."""

    group_by: tuple[str, ...]
    """Keys of the event; events that lack one of them do not count."""
    timespan: str
    """As Sigma writes it: `5m`."""
    timespan_s: int
    at_least: int
    """Of events, or of different values of `counted`."""
    counted: str | None
    """The key whose values are counted; None: events are."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of `siem-samples`; `name` is the same in every product, file and test."""

    name: str
    """Snake case; the stem of its file in every language."""
    id: str
    """UUID; never changes."""
    title: str
    description: str
    severity: Severity
    status: str
    """Sigma's word for how ripe it is."""
    question: int
    """Of the fifteen of docs/audit-sql.md, 1 to 15."""
    asked_by: str
    kind: Kind
    tags: tuple[str, ...]
    """ATT&CK and ATLAS, in Sigma's form."""
    false_positives: tuple[str, ...]
    fields: tuple[str, ...]
    """What whoever looks at an alert wants to see first."""
    lookback: str
    """How far back a search of it goes, as Sigma writes a timespan: `5m`, `7d`."""
    window: Window | None
    """Only of COUNT and DISTINCT."""
    why_native: str | None
    """Only of NATIVE: what Sigma lacks."""
    path: Path
    documents: tuple[Mapping[str, Any], ...]
    """The YAML documents of its file; of NATIVE its one document."""

    @property
    def is_sigma(self) -> bool:
        return self.kind is not Kind.NATIVE

    @property
    def is_alarm(self) -> bool:
        """Whether somebody is to be told. Single events of no weight are searches: each denial is no alarm."""
        return self.kind is not Kind.MATCH or self.severity not in {Severity.INFORMATIONAL, Severity.LOW}

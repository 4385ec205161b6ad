"""What the lint reads: texts in languages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    """Languages, with the name by which people know them."""

    SPL = "SPL"
    ESQL = "ES|QL"
    EQL = "EQL"
    LUCENE = "Lucene"
    KUERY = "Kibana's KQL"
    DATADOG = "Datadog search"
    SUMO = "Sumo search"
    KUSTO = "Kusto"
    SQL = "SQL"
    LOGQL = "LogQL"
    SIGMA = "Sigma"
    NAMES = "names of keys"
    """No language: names with spaces between them."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text."""

    where: str
    """Path below the repository, with the place in it where it has several texts."""
    language: Dialect
    text: str

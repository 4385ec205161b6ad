"""Every rule in every language: generated from Sigma, or as it was written for one product."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import assert_never

from siem.files import Files
from siem.languages import datadog, elastic, kuery, kusto, splunk, sumo
from siem.places import NATIVE
from siem.rule import Rule
from siem.sources import rules


class Language(StrEnum):
    """What products are asked in; the value is the end of the files' names."""

    SPL = "spl"
    ESQL = "esql"
    EQL = "eql"
    LUCENE = "lucene"
    KUERY = "kuery"
    """Kibana's query language, which its makers call KQL as others call Kusto's."""
    DATADOG = "txt"
    SUMO = "sumo"
    KUSTO = "kql"

    @property
    def product(self) -> str:
        """The folder below `siem-samples`."""
        match self:
            case Language.SPL:
                return "splunk"
            case Language.ESQL | Language.EQL | Language.LUCENE | Language.KUERY:
                return "elastic"
            case Language.DATADOG:
                return "datadog"
            case Language.SUMO:
                return "sumo"
            case Language.KUSTO:
                return "sentinel"
            case _:
                assert_never(self)


NATIVE_FILES = {
    Language.SPL: "splunk.spl",
    Language.ESQL: "elastic.esql",
    Language.EQL: "elastic.eql",
    Language.DATADOG: "datadog.json",
    Language.SUMO: "sumo.sumo",
    Language.KUSTO: "sentinel.kql",
}
"""What a native rule may bring; Lucene and Kibana's language cannot say more than Sigma."""


RENDERERS: Mapping[Language, Callable[[Rule], str | None]] = {
    Language.SPL: splunk.spl,
    Language.ESQL: elastic.esql,
    Language.EQL: elastic.eql,
    Language.LUCENE: elastic.lucene,
    Language.KUERY: kuery.kuery,
    Language.DATADOG: datadog.search,
    Language.SUMO: sumo.search,
    Language.KUSTO: kusto.kusto,
}
"""Of Sigma rules."""


def query(rule: Rule, language: Language) -> str | None:
    """The query's text without a line break at its end; None where the language cannot express the rule."""
    return RENDERERS[language](rule) if rule.is_sigma else _written(rule.name, language)


@cache
def _written(rule_name: str, language: Language) -> str | None:
    name = NATIVE_FILES.get(language)
    path = None if name is None else NATIVE / rule_name / name
    return path.read_text("utf-8").rstrip("\n") if path is not None and path.is_file() else None


def query_files(of: Sequence[Rule] | None = None) -> Files:
    """The folders `queries` of all products."""
    files: dict[str, bytes] = {}
    for rule in of or rules():
        for language in Language:
            text = query(rule, language)
            if text is not None:
                files[f"{language.product}/queries/{rule.name}.{_end(rule, language)}"] = f"{text}\n".encode()
    return files


def _end(rule: Rule, language: Language) -> str:
    """Datadog has no language for what only its rules can do: those are JSON."""
    return "json" if language is Language.DATADOG and not rule.is_sigma else language.value

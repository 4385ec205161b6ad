"""Everything below siem-samples that asks for keys of events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from siem.places import ROOT, SQL
from siem.proof.lint.dialect import Dialect, Source
from siem.proof.lint.made import made_by_pipeline
from siem.proof.lint.packages import package_sources
from siem.queries import Language, query
from siem.rule import Rule
from siem.sources import rules

__all__ = ["Dialect", "Source", "all_sources", "datadog_rule"]

DIALECTS = {
    Language.SPL: Dialect.SPL,
    Language.ESQL: Dialect.ESQL,
    Language.EQL: Dialect.EQL,
    Language.LUCENE: Dialect.LUCENE,
    Language.KUERY: Dialect.KUERY,
    Language.DATADOG: Dialect.DATADOG,
    Language.SUMO: Dialect.SUMO,
    Language.KUSTO: Dialect.KUSTO,
}


def all_sources() -> list[Source]:
    """Rules, queries in every language, SQL, and what packages hold besides."""
    found = [source for rule in rules() for source in _of_rule(rule)]
    found += [Source(_path(path), Dialect.SQL, path.read_text("utf-8")) for path in sorted(SQL.glob("*.sql"))]
    return found + list(package_sources())


def _of_rule(rule: Rule) -> Iterator[Source]:
    yield Source(_path(rule.path), Dialect.SIGMA, rule.path.read_text("utf-8"))
    for language in Language:
        text = query(rule, language)
        where = f"{rule.name} in {language.product}"
        if text is None:
            continue
        if language is Language.DATADOG and not rule.is_sigma:
            yield from datadog_rule(where, orjson.loads(text))
        else:
            yield Source(where, DIALECTS[language], text)


def datadog_rule(where: str, body: Any) -> Iterator[Source]:
    """The searches and keys of a detection rule of Datadog."""
    for number, one in enumerate(body.get("queries", ())):
        place = f"{where}, query {number + 1}"
        yield Source(place, Dialect.DATADOG, one["query"])
        named = [*one.get("groupByFields", ()), *one.get("distinctFields", ()), *one.get("metrics", ())]
        names = [name.removeprefix("@") for name in [*named, one.get("metric")] if name]
        yield Source(place, Dialect.NAMES, " ".join(name for name in names if name not in made_by_pipeline()))


def _path(path: Any) -> str:
    return str(path.relative_to(ROOT))

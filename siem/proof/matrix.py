"""How each rule is proven in each language, as a table for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from siem.places import ROOT
from siem.proof.engine import Engine
from siem.proof.engines.eql import Eql
from siem.proof.engines.postgres import Postgres
from siem.proof.engines.sqlite import Sqlite
from siem.proof.matchers import kusto
from siem.proof.matchers.search_engines import SearchEngine, search_engines
from siem.queries import Language, query
from siem.rule import Rule
from siem.sources import OWN_KEY, rules


class Proof(StrEnum):
    """From the strongest to none."""

    EXECUTED = "executed"
    EVALUATED = "evaluated"
    PARSED = "parsed"
    NOT_CHECKED = "not machine-checked"
    NOT_EXPRESSIBLE = "not expressible"


MEANINGS: Mapping[Proof, str] = {
    Proof.EXECUTED: "an engine that is not ours ran the query over `events/audit.jsonl` and found the golden ids and "
    "no other: PostgreSQL for SQL, SQLite for Sigma (by pySigma), the package `eql` for EQL, Vector's matcher for "
    "Datadog.",
    Proof.EVALUATED: "the same, but a part of the meaning is ours: Lucene (read by luqum) and Kibana's KQL (read by "
    "Kibana's own parser) are asked of our reading of Elasticsearch's query DSL, Kusto (read and bound to our table by "
    "Microsoft's language service) of our reading of its pages, and what a search of Datadog, Lucene or KQL matches is "
    "counted by us where a rule counts. What is weaker finds a part of the golden ids and no other.",
    Proof.PARSED: "a grammar that is not ours reads it (ES\\|QL: Elastic's, with every name held against the columns "
    "that are there by then; searches in Datadog's rules: Vector's). What it finds was not tried.",
    Proof.NOT_CHECKED: "there is no grammar to be had: quotes, brackets, known commands and functions only. In every "
    "language, every key and every word of a closed list is held against `schemas/v1`.",
    Proof.NOT_EXPRESSIBLE: "the language lacks what it takes; Lucene and KQL only match single events.",
}
PRODUCTS: Mapping[str, Sequence[Language]] = {
    "Splunk": (Language.SPL,),
    "Elastic": (Language.ESQL, Language.EQL, Language.LUCENE, Language.KUERY),
    "Datadog": (Language.DATADOG,),
    "Sumo Logic": (Language.SUMO,),
    "Sentinel": (Language.KUSTO,),
}
NAMES = {Language.ESQL: "ES\\|QL", Language.EQL: "EQL", Language.LUCENE: "Lucene", Language.KUERY: "KQL"}
"""Of languages that share a product."""
GRAMMARS = frozenset(Language) - {Language.SPL, Language.SUMO}
"""Languages that others' parsers read in `siem.proof.grammars` and `siem.proof.matchers`."""
SLICED = (
    "Counts in slices of the clock, so the search misses a burst over a border; the monitor counts what just ended."
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One rule in one language."""

    proof: Proof
    note: str | None = None
    """What it finds less or otherwise than the rule says, or why it cannot be said."""

    @property
    def is_weaker(self) -> bool:
        return self.note is not None and self.proof is not Proof.NOT_EXPRESSIBLE


def cell(rule: Rule, language: Language) -> Cell:
    """How the rule is proven in this language, from which engines and grammars cover it."""
    if query(rule, language) is None:
        return Cell(Proof.NOT_EXPRESSIBLE, _told(rule, "missing", language))
    weaker = _told(rule, "weaker", language)
    if language is Language.SUMO and rule.window is not None:
        weaker = SLICED
    return Cell(_proof(rule, language), weaker)


def table() -> str:
    """Markdown: a row for each rule, a column for each product; what the words mean, and notes."""
    notes: list[str] = []
    header = ["question", "rule", "SQL", "Sigma", *PRODUCTS]
    lines = [_line(header), _line(["---"] * len(header))]
    asked: set[int] = set()
    for rule in rules():
        lines.append(_row(rule, "" if rule.question in asked else _question(rule), notes))
        asked.add(rule.question)
    meanings = [f"- **{proof}**: {meaning}" for proof, meaning in MEANINGS.items()]
    numbered = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([*lines, "", *meanings, "", "Notes, by their numbers:", "", *numbered]) + "\n"


def _proof(rule: Rule, language: Language) -> Proof:
    if language is Language.KUSTO and kusto.covers(rule):
        return Proof.EVALUATED
    engine = _engines().get(language)
    if engine is not None and engine.covers(rule):
        counted_by_us = isinstance(engine, SearchEngine) and rule.window is not None
        read_by_us = language in {Language.LUCENE, Language.KUERY}
        return Proof.EVALUATED if counted_by_us or read_by_us else Proof.EXECUTED
    return Proof.PARSED if language in GRAMMARS else Proof.NOT_CHECKED


@cache
def _engines() -> Mapping[Language, Engine]:
    """As they are where everything is installed, so that the table is the same everywhere."""
    searching = [replace(one, away=lambda: False) for one in search_engines() if isinstance(one, SearchEngine)]
    return {Language.EQL: Eql(), **{one.language: one for one in searching}}


def _row(rule: Rule, question: str, notes: list[str]) -> str:
    asked = [_one(_covered(Postgres(""), rule), notes), _one(_sigma(rule), notes)]
    products = ["<br>".join(_grouped(rule, languages, notes)) for languages in PRODUCTS.values()]
    place = f"sigma/{rule.name}.yml" if rule.is_sigma else f"native/{rule.name}/rule.yml"
    return _line([question, f"[{rule.name}]({place})", *asked, *products])


def _covered(engine: Engine, rule: Rule) -> Cell:
    return Cell(Proof.EXECUTED if engine.covers(rule) else Proof.NOT_EXPRESSIBLE)


def _sigma(rule: Rule) -> Cell:
    return _covered(Sqlite(), rule) if rule.is_sigma else Cell(Proof.NOT_EXPRESSIBLE, rule.why_native)


def _grouped(rule: Rule, languages: Sequence[Language], notes: list[str]) -> list[str]:
    """Languages of one product with the same word, together."""
    together: dict[str, list[str]] = {}
    for language in languages:
        together.setdefault(_one(cell(rule, language), notes), []).append(NAMES.get(language, ""))
    return [f"{', '.join(names)} {word}".strip() for word, names in together.items()]


def _one(found: Cell, notes: list[str]) -> str:
    if found.note is None:
        return found.proof
    if found.note not in notes:
        notes.append(found.note)
    return f"{found.proof}{', weaker' if found.is_weaker else ''} ({notes.index(found.note) + 1})"


def _question(rule: Rule) -> str:
    """The heading in the page of SQL questions."""
    page: str = next(one for one in rule.documents[-1]["references"] if one.startswith("docs/audit-sql.md#"))
    heading = re.search(rf"^### ({rule.question}\. .*)$", _questions(), re.MULTILINE)
    assert heading is not None, f"docs/audit-sql.md has no question {rule.question}"
    return f"[{heading[1]}](../{page})"


@cache
def _questions() -> str:
    return (ROOT / "docs" / "audit-sql.md").read_text("utf-8")


def _told(rule: Rule, what: str, language: Language) -> str | None:
    """What a native rule says of a language: `weaker` or `missing`."""
    told: Mapping[str, str] = rule.documents[-1][OWN_KEY].get(what, {})
    return told.get(language.name.lower())


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

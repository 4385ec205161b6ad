"""Engines of the proof that ask a search language: Datadog's, Lucene's and Kibana's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from siem.golden import Event
from siem.proof import node
from siem.proof.asking import for_trace
from siem.proof.engine import Engine, Scope
from siem.proof.matchers import datadog, dsl, kuery, lucene
from siem.proof.matchers.values import NotUnderstood
from siem.proof.matchers.window import complete
from siem.queries import Language, query
from siem.rule import Rule
from siem.sources import rules

Matches = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class SearchEngine:
    """One language that says yes or no to one event.

    With `counting`, what the search of a COUNT or DISTINCT rule matched is counted in a sliding window, as the
    product's own rules count it; without, it gives what is to be counted.
    """

    name: str
    language: Language
    compiled: Callable[[str], Matches]
    counting: bool
    away: Callable[[], bool] = lambda: False

    def covers(self, rule: Rule) -> bool:
        return rule.is_sigma and not self.away() and query(rule, self.language) is not None

    def scope(self, rule: Rule) -> Scope:
        return Scope.BASE if rule.window is not None and not self.counting else Scope.EVENTS

    def found(self, rule: Rule, events: Sequence[Event]) -> frozenset[str]:
        search = query(rule, self.language)
        assert search is not None, f"{rule.name} is not covered"
        matches = self.compiled(for_trace(search))
        matched = [event for event in events if matches(event)]
        if rule.window is not None and self.counting:
            return complete(rule.window, matched)
        return frozenset(str(event["event_id"]) for event in matched)


def search_engines(*, counting: bool = True) -> Sequence[Engine]:
    """All three. Kibana's covers nothing where its package is not installed."""
    return (
        SearchEngine("datadog", Language.DATADOG, datadog.compiled, counting),
        SearchEngine("lucene", Language.LUCENE, lambda text: dsl.compiled(lucene.to_dsl(text)), counting),
        SearchEngine("kuery", Language.KUERY, _kuery, counting, away=lambda: not node.installed()),
    )


def _kuery(text: str) -> Matches:
    read = _kuery_of_all_rules().get(text)
    if read is None:
        (read,) = kuery.to_dsl([text])
    if isinstance(read, NotUnderstood):
        raise read
    return dsl.compiled(read)


@cache
def _kuery_of_all_rules() -> Mapping[str, dsl.Dsl | NotUnderstood]:
    """One process for all, since each takes a while to start."""
    searches = [query(rule, Language.KUERY) for rule in rules() if rule.is_sigma]
    texts = [for_trace(text) for text in searches if text is not None]
    return dict(zip(texts, kuery.to_dsl(texts), strict=True))

"""EQL as Elasticsearch speaks it, run by Endgame's own engine for Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from siem.golden import Event
from siem.proof.asking import for_trace, microseconds
from siem.proof.engine import Scope
from siem.proof.engines.cased import told_apart
from siem.queries import Language, query
from siem.rule import Rule

eql: Any = import_module("eql")  # has no types

_ROWS: dict[int, tuple[Event, Any]] = {}
"""By the identity of the event, which is kept so that no other one gets it."""

TICKS_PER_US = 10
"""The engine counts time in units of 100 ns."""


class Eql:
    """Rules that EQL can say. Of a sequence the last event is found.

    A sequence `with runs=20` slides here: while one event ends a sequence, it goes on as the second last of the next,
    so each event from the twentieth on ends one. The ids are therefore exact. Events are taken in the order of their
    time, and one that lacks a key of `by` belongs to no sequence, as in Elasticsearch.
    """

    name = "eql"

    def covers(self, rule: Rule) -> bool:
        return query(rule, Language.EQL) is not None

    def scope(self, rule: Rule) -> Scope:  # noqa: ARG002 -- the same for all
        return Scope.EVENTS

    def found(self, rule: Rule, events: Sequence[Event]) -> frozenset[str]:
        text = query(rule, Language.EQL)
        assert text is not None, f"{rule.name}: there is no EQL"
        return run(for_trace(text), events)


def run(text: str, events: Sequence[Event]) -> frozenset[str]:
    """The last event of each result. Raises eql's errors for what is no EQL.

    Of a sequence only the events that fit one of its steps are streamed, and where all steps are the same they are not
    asked for a second time; `until`, for which other events matter, is refused.
    """
    asked = _parsed(text)
    rows = sorted((row for event in events if (row := _row(event)) is not None), key=_order)
    if isinstance(asked.first, eql.ast.Sequence):
        fitting = {id(row) for step in _steps(text) for (row,) in _results(step, rows)}
        rows = [row for row in rows if id(row) in fitting]
        asked = _bare(text)
    return frozenset(str(result[-1].data["event_id"]) for result in _results(asked, rows))


def _results(asked: Any, rows: Sequence[Any]) -> Sequence[Sequence[Any]]:
    engine = eql.PythonEngine()
    results: list[Any] = []
    engine.add_query(asked)
    engine.add_output_hook(results.append)
    engine.stream_events(rows, finalize=True)
    return [result.events for result in results]


def _row(event: Event) -> Any:
    """The event as the engine takes it; None for one without a time. Made once for each."""
    if id(event) not in _ROWS:
        us = microseconds(event)
        data = {key: told_apart(value) for key, value in event.items()}
        row = None if us is None else eql.Event(eql.schema.EVENT_TYPE_GENERIC, us * TICKS_PER_US, data)
        _ROWS[id(event)] = event, row
    return _ROWS[id(event)][1]


def _order(row: Any) -> tuple[int, int]:
    return row.time, row.data.get("seq", 0)


@cache
def _parsed(text: str) -> Any:
    with eql.parser.elasticsearch_syntax, eql.parser.allow_runs:
        parsed = eql.parse_query(text)
    if isinstance(parsed.first, eql.ast.Sequence):
        assert " ?" not in text.partition("[")[0], "keys that may be missing are not told apart here"
        assert parsed.first.close is None, "until is not known here"
        for step in parsed.first.queries:
            _with_keys(step)
    return parsed


@cache
def _steps(text: str) -> Sequence[Any]:
    """The different steps of a sequence, each as a query of its own."""
    different = {str(step.query): step.query for step in _parsed(text).first.queries}
    return [eql.ast.PipedQuery(query) for query in different.values()]


@cache
def _bare(text: str) -> Any:
    """The sequence for events that are known to fit: without what its steps ask for, when they all ask for the same."""
    sequence = _parsed(text).first
    if len(_steps(text)) > 1:
        return _parsed(text)
    anything = eql.ast.EventQuery(sequence.queries[0].query.event_type, eql.ast.Boolean(True))
    steps = [eql.ast.SubqueryBy(anything, step.join_values, step.data) for step in sequence.queries]
    return eql.ast.PipedQuery(eql.ast.Sequence(steps, sequence.max_span))


def _with_keys(step: Any) -> None:
    """Let only events take part that have all keys of `by`: the engine for Python would join those that lack one."""
    terms = [step.query.query, *(eql.ast.IsNotNull(key) for key in step.join_values)]
    step.query = eql.ast.EventQuery(step.query.event_type, eql.ast.And(terms))

"""Elastic's ES|QL: parsed by Elastic's own grammar, and each name held against the columns that are there by then.

The grammar is the ANTLR one of Elasticsearch 9.1 (package esql-parser); it knows neither columns nor functions. What
each command does to the columns is written here, after Elastic's reference, "ES|QL commands".
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from antlr4 import CommonTokenStream, InputStream
from antlr4.error.ErrorListener import ErrorListener

from siem.proof.grammars.esql_columns import Columns
from siem.proof.grammars.reading import Reading

_LEXER: Any = import_module("esql_parser.EsqlBaseLexer").EsqlBaseLexer
_PARSER: Any = import_module("esql_parser.EsqlBaseParser").EsqlBaseParser


class _Faults(ErrorListener):  # type: ignore[misc] # antlr4 has no types
    """Keeps what the parser complains of."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def syntaxError(self, recognizer: Any, offendingSymbol: Any, line: int, column: int, msg: str, e: Any) -> None:  # noqa: ARG002, N802, N803
        self.found.append(f"line {line}, column {column}: {msg}")


class _Command(NamedTuple):
    """One command of the pipe."""

    name: str
    tree: Any


def read(text: str) -> Reading:
    """What the grammar and the columns say. A query that is no ES|QL is not looked at further."""
    faults = _Faults()
    tree = _parsed(text, faults)
    if faults.found:
        return Reading(tuple(faults.found))
    columns = Columns()
    for command in _commands(tree.query()):
        columns.after(command.name, command.tree)
    return Reading(tuple(columns.problems), frozenset(columns.asked), frozenset(columns.compared))


def _parsed(text: str, faults: _Faults) -> Any:
    lexer = _LEXER(InputStream(text))
    parser = _PARSER(CommonTokenStream(lexer))
    for one in (lexer, parser):
        one.removeErrorListeners()
        one.addErrorListener(faults)
    return parser.singleStatement()


def _commands(query: Any) -> Iterator[_Command]:
    """First to last; the grammar nests the first ones deepest."""
    if isinstance(query, _PARSER.CompositeQueryContext):
        yield from _commands(query.query())
        command = query.processingCommand()
    else:
        command = query.sourceCommand()
    tree = command.getChild(0)
    yield _Command(_PARSER.ruleNames[tree.getRuleIndex()].removesuffix("Command"), tree)

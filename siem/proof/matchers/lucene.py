"""Lucene's classic query language, as Elasticsearch's `query_string` reads it, turned into the query DSL.

luqum parses it; what the words between clauses mean is not what they mean elsewhere. AND and OR have no order of
precedence: each clause is required, wanted or forbidden (Lucene, `QueryParserBase.addClause`), so `a OR b AND c`
needs b and c, and `NOT a OR b` needs b. Parentheses make a query of their own.
"""

# luqum tells no types:
# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from luqum import tree
from luqum.exceptions import ParseError
from luqum.parser import parser

from siem.proof.matchers.dsl import Dsl
from siem.proof.matchers.values import NotUnderstood

_START = r"[^\s+\-!():^\[\]\"{}~\\/&|<>=]"
_WORD = re.compile(rf"(?:{_START}|\\.)(?:{_START}|\\.|[-+=])*")
"""A term of Lucene's grammar; luqum lets more through, for instance the slash that begins a regular expression."""


class _Between(StrEnum):
    """What stands before a clause."""

    NOTHING = ""
    AND = "and"
    OR = "or"


def to_dsl(text: str) -> Dsl:
    """The query DSL of a search. Raises `NotUnderstood` for what is broken, and for what our searches never need."""
    try:
        parsed = parser.parse(text)
    except ParseError as problem:
        raise NotUnderstood(f"not Lucene: {problem}: {text}") from problem
    return _query(parsed, None)


def _query(node: tree.Item, field: str | None) -> Dsl:
    """Of the clauses of one level of parentheses."""
    occurs: list[tuple[str, Dsl]] = []
    for between, clause in _clauses(node, _Between.NOTHING):
        forbidden = isinstance(clause, tree.Not | tree.Prohibit)
        if between is _Between.AND and occurs and occurs[-1][0] == "should":
            occurs[-1] = ("must", occurs[-1][1])
        needed = isinstance(clause, tree.Plus) or (between is _Between.AND and not forbidden)
        plain = clause.a if isinstance(clause, tree.Not | tree.Prohibit | tree.Plus) else clause
        occurs.append(("must_not" if forbidden else "must" if needed else "should", _clause(plain, field)))
    if [occur for occur, _ in occurs] == ["should"]:
        return occurs[0][1]
    return {"bool": {name: [dsl for occur, dsl in occurs if occur == name] for name, _ in occurs}}


def _clauses(node: tree.Item, before: _Between) -> Iterator[tuple[_Between, tree.Item]]:
    """The clauses in their order, each with what stands before it."""
    if not isinstance(node, tree.AndOperation | tree.OrOperation | tree.UnknownOperation):
        yield before, node
        return
    if isinstance(node, tree.AndOperation):
        between = _Between.AND
    else:
        between = _Between.OR if isinstance(node, tree.OrOperation) else _Between.NOTHING
    for index, child in enumerate(node.children):
        yield from _clauses(child, between if index else before)


def _clause(node: tree.Item, field: str | None) -> Dsl:
    match node:
        case tree.Group() | tree.FieldGroup():
            return _query(node.expr, field)
        case tree.SearchField() if field is None:
            return _of_field(_unescaped(node.name), node.expr)
        case tree.Word() | tree.Phrase() | tree.Range() | tree.From() | tree.To() if field is not None:
            return _value(field, node)
        case _:
            raise NotUnderstood(f"a {type(node).__name__} where none may be, or without a field: {node}")


def _of_field(field: str, node: tree.Item) -> Dsl:
    if field == "_exists_":
        return {"exists": {"field": _unescaped(str(node))}}
    return {"match_all": {}} if (field, str(node)) == ("*", "*") else _clause(node, field)


def _value(field: str, node: tree.Item) -> Dsl:
    match node:
        case tree.Phrase():
            return {"match_phrase": {field: _unescaped(str(node)[1:-1])}}
        case tree.Range():
            low, high = ("gte" if node.include_low else "gt"), ("lte" if node.include_high else "lt")
            return {"range": {field: {**_bound(low, node.low), **_bound(high, node.high)}}}
        case tree.From():
            return {"range": {field: _bound("gte" if node.include else "gt", node.a)}}
        case tree.To():
            return {"range": {field: _bound("lte" if node.include else "lt", node.a)}}
        case _:
            return _word(field, str(node))


def _word(field: str, text: str) -> Dsl:
    if not _WORD.fullmatch(text):
        raise NotUnderstood(f"Lucene does not read {text!r} as one word")
    if text == "*":
        return {"exists": {"field": field}}
    pattern = re.search(r"(?<!\\)(?:\\\\)*[*?]", text) is not None
    return {"wildcard": {field: {"value": text}}} if pattern else {"match": {field: _unescaped(text)}}


def _bound(name: str, node: tree.Item) -> dict[str, Any]:
    text = str(node).strip()
    return {} if text == "*" else {name: _unescaped(text.strip('"'))}


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.strip())

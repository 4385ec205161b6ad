"""Elastic's EQL: parsed by Endgame's package, with fields and types bound to a schema where a query asks for a key.

A field that begins with `?` may be missing from the schema; those are told as names all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from siem.proof.grammars.reading import Compared, Reading
from siem.schema import Kind, keys

eql: Any = import_module("eql")  # has no types

_TYPES = {
    Kind.TEXT: "string",
    Kind.TEXTS: "mixed",
    Kind.ADDRESS: "string",
    Kind.MOMENT: "mixed",
    Kind.WHOLE: "number",
    Kind.NUMBER: "number",
    Kind.TRUTH: "boolean",
}


def read(text: str) -> Reading:
    """What the grammar and the schema say."""
    try:
        with eql.parser.elasticsearch_syntax, eql.parser.allow_runs, _schema():
            tree = eql.parse_query(text)
    except eql.EqlError as problem:
        return Reading((_told(problem),))
    nodes = list(tree)
    names = {str(node.base) for node in nodes if isinstance(node, eql.ast.Field)}
    return Reading((), frozenset(names), frozenset(one for node in nodes for one in _compared(node)))


@cache
def _schema() -> Any:
    """Its names may not begin with `@`."""
    fields = {key.name: _TYPES[key.kind] for key in keys().values() if key.name.isidentifier()}
    return eql.Schema({"generic": fields}, allow_any=True, allow_generic=True, allow_missing=False)


def _compared(node: Any) -> Iterator[Compared]:
    """`name == constant`, `name : constant` and `name in (constants)`, with their opposites."""
    match node:
        case eql.ast.Comparison() if node.comparator in {"==", "!="}:
            yield from _of([node.left, node.right])
        case eql.ast.InSet():
            yield from _of([node.expression, *node.container])
        case eql.ast.FunctionCall() if node.name == "wildcard" or node.name in {"==", "!="}:
            yield from _of(node.arguments)
        case _:
            return


def _of(nodes: Any) -> Iterator[Compared]:
    """Each constant with the one field among them; patterns are no constants."""
    fields = [node for node in nodes if isinstance(node, eql.ast.Field)]
    for node in nodes if len(fields) == 1 else ():
        if isinstance(node, eql.ast.Literal) and not set("*?") & set(str(node.value)):
            yield Compared(str(fields[0].base), node.value)


def _told(problem: Any) -> str:
    """With the name that is not known, where it is that."""
    lines = [line for line in str(problem).splitlines() if line.strip(" ^")]
    if isinstance(problem, eql.EqlSchemaError):
        named = re.match(r"\??[\w.]*", problem.source.splitlines()[problem.line][problem.column :])
        return f"{lines[0]}: no field {named[0] if named else ''} is there"
    return ": ".join(lines[:2])

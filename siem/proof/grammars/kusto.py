"""Kusto: parsed by Microsoft's language service, with every name and type bound to our table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from siem.languages.kusto_columns import TABLE
from siem.languages.kusto_columns import columns as table_columns
from siem.proof import node
from siem.proof.grammars.reading import Compared, Reading
from siem.schema import keys

WORKSPACE_COLUMNS = {"Type": "string", "TenantId": "string"}
"""What every table of a workspace has."""


def columns() -> Mapping[str, str]:
    """The table's columns with their Kusto types, `@timestamp` under the names that Azure lets it have."""
    return {**WORKSPACE_COLUMNS, **{name: _TYPES.get(kind, kind) for name, kind in table_columns().items()}}


_TYPES = {"boolean": "bool"}
"""Where the service that makes tables has another word."""


def given(texts: Sequence[str], tables: Mapping[str, Mapping[str, str]] | None = None) -> list[Mapping[str, str]]:
    """The columns of each query's answer, with their types. Raises `NodeAway`."""
    return [one["given"] for one in _answers(texts, tables)]


def read(texts: Sequence[str], tables: Mapping[str, Mapping[str, str]] | None = None) -> list[Reading]:
    """What the language service says of each query; one process answers for all. Raises `NodeAway`.

    `tables` are further tables by name, with the types of their columns: the input of a transformation is one,
    `source`.
    """
    return [
        Reading(
            tuple(one["problems"]),
            frozenset(one["names"]) & keys().keys(),
            frozenset(Compared(name, word) for name, word in one["compared"] if word is not None),
        )
        for one in _answers(texts, tables)
    ]


def _answers(texts: Sequence[str], tables: Mapping[str, Mapping[str, str]] | None) -> list[Mapping[str, Any]]:
    schemas = {
        name: "(" + ", ".join(f"['{column}']: {kind}" for column, kind in of.items()) + ")"
        for name, of in {TABLE: columns(), **(tables or {})}.items()
    }
    answers: list[Mapping[str, Any]] = node.answer("kusto.cjs", {"tables": schemas, "queries": list(texts)})
    return answers

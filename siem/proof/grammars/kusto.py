"""Kusto: parsed by Microsoft's language service, with every name and type bound to our table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from siem.proof import node
from siem.proof.grammars.reading import Compared, Reading
from siem.proof.schema import Kind, keys

TABLE = "Gatetrail_CL"
_TYPES = {
    Kind.TEXT: "string",
    Kind.TEXTS: "dynamic",
    Kind.ADDRESS: "string",
    Kind.MOMENT: "datetime",
    Kind.WHOLE: "long",
    Kind.NUMBER: "real",
    Kind.TRUTH: "bool",
}


def columns() -> Mapping[str, str]:
    """The table's columns with their Kusto types: Microsoft Sentinel's own, then our keys.

    A name may not begin with `@`, so `@timestamp` is there as `TimeGenerated` only.
    """
    ours = {key.name: _TYPES[key.kind] for key in keys().values() if not key.name.startswith("@")}
    return {"TimeGenerated": "datetime", "Type": "string", "TenantId": "string", **ours}


def read(texts: Sequence[str], tables: Mapping[str, Mapping[str, str]] | None = None) -> list[Reading]:
    """What the language service says of each query; one process answers for all. Raises `NodeAway`.

    `tables` are further tables by name, with the types of their columns: the input of a transformation is one,
    `source`.
    """
    schemas = {
        name: "(" + ", ".join(f"['{column}']: {kind}" for column, kind in of.items()) + ")"
        for name, of in {TABLE: columns(), **(tables or {})}.items()
    }
    answers = node.answer("kusto.cjs", {"tables": schemas, "queries": list(texts)})
    return [
        Reading(
            tuple(one["problems"]),
            frozenset(one["names"]) & keys().keys(),
            frozenset(Compared(name, word) for name, word in one["compared"] if word is not None),
        )
        for one in answers
    ]

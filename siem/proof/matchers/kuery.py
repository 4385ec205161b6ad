"""Kibana's query language, turned into the query DSL by the package that Kibana was built with."""

from __future__ import annotations

from collections.abc import Sequence

from siem.proof import node
from siem.proof.matchers.dsl import Dsl
from siem.proof.matchers.values import NotUnderstood
from siem.schema import Kind, keys

_TYPES = {
    Kind.TEXT: "string",
    Kind.TEXTS: "string",
    Kind.ADDRESS: "ip",
    Kind.MOMENT: "date",
    Kind.WHOLE: "number",
    Kind.NUMBER: "number",
    Kind.TRUTH: "boolean",
}
"""As a data view of Kibana names them."""


def to_dsl(texts: Sequence[str]) -> list[Dsl | NotUnderstood]:
    """The query DSL of each search, or why it has none. One process answers for all. Raises `NodeAway`."""
    types = {key.name: _TYPES[key.kind] for key in keys().values()}
    answers = node.answer("kuery.cjs", {"keys": types, "queries": list(texts)})
    return [one["dsl"] if "dsl" in one else NotUnderstood(f"not Kibana's language: {one['error']}") for one in answers]

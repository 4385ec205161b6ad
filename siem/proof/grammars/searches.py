"""Names and constants of searches that say yes or no to one event: Lucene, Kibana's language, Datadog's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from siem.proof.grammars.reading import Compared, Reading
from siem.proof.matchers import datadog, dsl, kuery, lucene
from siem.proof.matchers.values import NotUnderstood
from siem.schema import keys

RESERVED = frozenset({"source", "service", "host", "status", "message", "tags", "trace_id"})
"""What Datadog searches for without `@` (its documentation, "Log search syntax")."""
_TERM = re.compile(r"""(?<![\w@])(-?@?[A-Za-z_][\w.]*):(\((?:[^()"]|"[^"]*")*\)|"(?:[^"\\]|\\.)*"|[^\s()]+)""")
_LISTED = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s()]+')


def read_lucene(text: str) -> Reading:
    """What luqum and the evaluator say."""
    try:
        return _read_dsl(lucene.to_dsl(text))
    except NotUnderstood as problem:
        return Reading((str(problem),))


def read_kuery(texts: Sequence[str]) -> list[Reading]:
    """What Kibana's own parser and the evaluator say. Raises `NodeAway`."""
    read = kuery.to_dsl(texts)
    return [Reading((str(one),)) if isinstance(one, NotUnderstood) else _read_dsl(one) for one in read]


def read_datadog(text: str) -> Reading:
    """Whether Vector can read it; names and constants by a reader of our own, since Vector tells none."""
    found = [(match[1].lstrip("-"), match[2]) for match in _TERM.finditer(_without_texts(text))]
    named = {name: value for name, value in found if name.startswith("@")}
    problems = [f"no reserved attribute: {name}" for name, _ in found if name not in RESERVED and name not in named]
    try:
        datadog.compiled(text)
    except NotUnderstood as problem:
        problems.append(str(problem))
    problems += [f"no event has a key {name[1:]!r}" for name in sorted(named) if name[1:] not in keys()]
    compared = {Compared(name[1:], word) for name, value in found if name in named for word in _words(value)}
    return Reading(tuple(problems), frozenset(name[1:] for name in named), frozenset(compared))


def _without_texts(text: str) -> str:
    """Quoted texts may hold colons: those inside become something else."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: match[0].replace(":", "\N{RATIO}"), text)


def _words(value: str) -> Iterator[str]:
    """One constant, or those that are listed in parentheses; no bounds and no patterns."""
    for one in _LISTED.findall(value):
        if one in {"OR", "AND"} or one[0] in "<>[" or ("*" in one and one[0] != '"'):
            continue
        yield one.strip('"').replace("\N{RATIO}", ":")


def _read_dsl(query: Mapping[str, Any]) -> Reading:
    try:
        dsl.compiled(query)
    except NotUnderstood as problem:
        return Reading((str(problem),))
    compared, names = set[Compared](), set[str]()
    for name, body in _leaves(query):
        field = body["field"] if name == "exists" else next(iter(body.get("fields", body)))
        names.add(str(field))
        if name in {"match", "match_phrase", "term"}:
            compared.add(Compared(str(field), body[field]))
    return Reading((), frozenset(names), frozenset(compared))


def _leaves(query: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    ((name, body),) = query.items()
    if name == "match_all":
        return
    if name != "bool":
        yield name, body
        return
    for given in body.values():
        for one in cast("Sequence[Any]", given if isinstance(given, list) else [given]):
            if isinstance(one, Mapping):
                yield from _leaves(cast("Mapping[str, Any]", one))

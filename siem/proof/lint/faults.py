"""What is wrong with queries, told with what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from gatetrail.identity.caller import IdentityRefusal
from siem.proof.grammars import eql, esql, kusto, logql, searches, sigma, spl, sql, sumo
from siem.proof.grammars.reading import Compared, Reading
from siem.proof.lint.dialect import Dialect, Source
from siem.proof.lint.made import made_by_add_on
from siem.schema import Key, Kind, keys

_NAMED = re.compile(r"(?:field|column|key|name) '?([@\w.]+)'?")
"""A name in a message, whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One."""

    where: str
    """The file, with the place in it where it has several queries."""
    language: Dialect
    problem: str

    def __str__(self) -> str:
        return f"{self.where} ({self.language}): {self.problem}"


def faults(sources: Iterable[Source]) -> list[Fault]:
    """In the order of the languages, then of the sources. Raises `NodeAway` where Node is wanted and away."""
    by_language: dict[Dialect, list[Source]] = {}
    for source in sources:
        by_language.setdefault(source.language, []).append(source)
    return [fault for language, several in by_language.items() for fault in _of_one_language(language, several)]


def _of_one_language(language: Dialect, sources: Sequence[Source]) -> Iterator[Fault]:
    texts = [*dict.fromkeys(source.text for source in sources)]
    readings = dict(zip(texts, READERS[language](texts), strict=True))
    for source in sources:
        for problem in _problems(readings[source.text]):
            yield Fault(source.where, language, problem)


def _problems(reading: Reading) -> Iterator[str]:
    told = " ".join(reading.problems)
    for problem in reading.problems:
        yield problem + _hint(problem)
    for name in sorted(reading.names - keys().keys()):
        if name not in told:
            yield f"no event has a key {name!r}{_nearest(name, keys())}"
    for one in sorted(reading.compared, key=lambda compared: (compared.name, str(compared.word))):
        yield from _wrong_word(one)


def _hint(problem: str) -> str:
    """The key that is nearest to a name in the message of a parser."""
    unknown = [name for name in _NAMED.findall(problem) if name not in keys()]
    return next((hint for name in unknown if (hint := _nearest(name, keys()))), "")


def _wrong_word(compared: Compared) -> Iterator[str]:
    key = keys().get(compared.name)
    if key is None or "$" in str(compared.word):
        return
    if not _fits(key, compared):
        yield f"{key.name} is {key.kind}, and never {compared.word!r}"
    words = _words(key)
    if words and compared.word not in words:
        yield f"{key.name} never says {compared.word!r}{_nearest(str(compared.word), words)}"


def _words(key: Key) -> frozenset[str]:
    """The schema leaves `reason_code` of identity.refused open; the product has a list for it."""
    return key.words | {reason.value for reason in IdentityRefusal} if key.name == "reason_code" else key.words


def _fits(key: Key, compared: Compared) -> bool:
    """Whether the constant can be a value of the key at all; numbers may stand in quotes."""
    match key.kind:
        case Kind.TEXT | Kind.TEXTS | Kind.ADDRESS | Kind.MOMENT:
            return isinstance(compared.word, str)
        case Kind.WHOLE | Kind.NUMBER:
            return re.fullmatch(r"-?\d+(\.\d+)?", str(compared.word)) is not None
        case Kind.TRUTH:
            return str(compared.word).lower() in {"true", "false"}
        case _:
            assert_never(key.kind)


def _nearest(name: str, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(names), n=1)
    return f"; {found[0]!r} is near" if found else ""


def _each(read: Callable[[str], Reading]) -> Callable[[Sequence[str]], list[Reading]]:
    return lambda texts: [read(text) for text in texts]


def _names(text: str) -> Reading:
    """Keys by their names alone."""
    return Reading((), frozenset(text.split()))


READERS: Mapping[Dialect, Callable[[Sequence[str]], list[Reading]]] = {
    Dialect.SPL: _each(lambda text: spl.read(text, made_by_add_on())),
    Dialect.ESQL: _each(esql.read),
    Dialect.EQL: _each(eql.read),
    Dialect.LUCENE: _each(searches.read_lucene),
    Dialect.KUERY: searches.read_kuery,
    Dialect.DATADOG: _each(searches.read_datadog),
    Dialect.SUMO: _each(sumo.read),
    Dialect.KUSTO: kusto.read,
    Dialect.SQL: _each(sql.read),
    Dialect.LOGQL: logql.read,
    Dialect.SIGMA: _each(sigma.read),
    Dialect.NAMES: _each(_names),
}
"""Of many texts at once."""

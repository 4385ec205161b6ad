"""Values in JSON and YAML, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast


def named(document: Any, names: frozenset[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each object that has one of these keys, with the key, from the outside in."""
    if isinstance(document, Mapping):
        found = cast("Mapping[str, Any]", document)
        yield from ((name, found) for name in found if name in names)
        for value in found.values():
            yield from named(value, names)
    elif isinstance(document, list):
        for value in cast("Sequence[Any]", document):
            yield from named(value, names)


def texts(document: Any, *names: str) -> Iterator[str]:
    """The texts under these keys."""
    for name, found in named(document, frozenset(names)):
        value = found[name]
        several = cast("Sequence[Any]", value) if isinstance(value, list) else (value,)
        yield from (one for one in several if isinstance(one, str))

"""The keys in our SQL. PostgreSQL itself refuses an unknown column; a key of a JSON column it takes for null."""

from __future__ import annotations

import re

from siem.proof.grammars.reading import Compared, Reading
from siem.schema import keys

_KEY = re.compile(r"(?:\bbody|\bevent)\s*(?:->>?|\?)\s*'([^']+)'")
_NAME = r"(?:\w+\.)?(?:body\s*->>\s*'(?P<key>[^']+)'|(?P<column>[a-z_]+))\)?(?:::\w+)?"
_COMPARISON = re.compile(
    rf"{_NAME}\s*(?:=|<>|!=|\bIN\b|\bNOT\s+IN\b)\s*(?:ANY\s*)?(?P<words>'[^']*'|\((?:\s*'[^']*'\s*,?)+\))",
    re.IGNORECASE,
)


def read(text: str) -> Reading:
    """Keys of `body`, and texts that keys or the columns of their names are compared with."""
    plain = re.sub(r"--[^\n]*", "", text)
    found = frozenset(_KEY.findall(plain))
    compared = {
        Compared(name, word)
        for match in _COMPARISON.finditer(plain)
        if (name := match["key"] or match["column"]) in keys()
        for word in re.findall(r"'([^']*)'", match["words"])
    }
    problems = [f"body has no key {name!r}" for name in sorted(found) if name not in keys()]
    return Reading(tuple(problems), found, frozenset(compared))

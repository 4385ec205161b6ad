"""Changes of hand-written EQL: on the events as they are, each must find something else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from siem.proof.mutations.sql_texts import ChangedText
from siem.schema import keys
from siem.sources import seconds

_TERM = re.compile(r"(?<=where )[^\]]+?(?= and )|(?<= and )[^\]]+?(?= and |\])")
_WORD = re.compile(r'"([a-z_.]+)"')
_RUNS = re.compile(r"runs=(\d+)")
_SPAN = re.compile(r"maxspan=(\w+)")


def changed_texts(text: str) -> Iterator[ChangedText]:
    """Each condition gone, each word another one, each number one up and down, each time a second."""
    for found in _TERM.finditer(text):
        yield _put(text, found, "true", "gone")
    for found in _WORD.finditer(text):
        yield _put(text, found, f'"{_another(found[1])}"', "another word")
    for step in (-1, 1):
        for found in _RUNS.finditer(text):
            yield _put(text, found, f"runs={int(found[1]) + step}", f"{step:+}")
        for found in _SPAN.finditer(text):
            yield _put(text, found, f"maxspan={seconds(found[1]) + step}s", f"{step:+} s")


def _put(text: str, found: re.Match[str], changed: str, how: str) -> ChangedText:
    line = text.count("\n", 0, found.start()) + 1
    return ChangedText(f"line {line}: {found[0]}, {how}", text[: found.start()] + changed + text[found.end() :])


def _another(word: str) -> str:
    words = next(key.words for key in keys().values() if word in key.words)
    return min(words - {word})

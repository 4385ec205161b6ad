"""Regular expressions that cannot run away: RE2 matches in time linear in the text, whatever the pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, cast

import re2  # type: ignore[import-untyped]

_EXPLAINED = (
    ("invalid perl operator: (?=", "RE2 has no look-ahead"),
    ("invalid perl operator: (?!", "RE2 has no look-ahead"),
    ("invalid perl operator: (?<", "RE2 has no look-behind, and writes a named group as (?P<name>...)"),
    ("invalid perl operator: (?>", "RE2 has no atomic groups, and needs none"),
    ("invalid repetition size", "RE2 repeats a part at most 1,000 times"),
    ("bad repetition operator", "RE2 has no possessive repetition, and needs none"),
    ("pattern too large", "the pattern is too large; make its repetitions smaller"),
)


class Match(Protocol):
    """Where an expression fits, in bytes."""

    def start(self) -> int: ...

    def end(self) -> int: ...

    def span(self, group: int = 0) -> tuple[int, int]:
        """(-1, -1) for a group that took no part."""
        ...


class Expression(Protocol):
    """A compiled RE2 expression."""

    @property
    def groupindex(self) -> Mapping[bytes, int]: ...

    def search(self, text: bytes, pos: int = 0) -> Match | None: ...


def compile_expression(pattern: str, *, capture: bool = True) -> Expression:
    """A compiled RE2 expression for bytes of UTF-8. Raises ValueError with what is wrong."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = not capture
    try:
        return cast("Expression", re2.compile(pattern.encode(), options))  # pyright: ignore[reportUnknownMemberType]
    except re2.error as problem:  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        raise ValueError(_explained(cast("Exception", problem))) from None
    except UnicodeEncodeError:
        raise ValueError("the pattern holds half a character (a lone surrogate)") from None


def joined_expressions(sources: Sequence[str]) -> Iterator[Expression]:
    """As few expressions as RE2 has room for, of which one fits wherever one of the sources does.

    Two sources with a group of the same name cannot be joined. Raises ValueError like `compile_expression`.
    """
    if not sources:
        return
    try:
        yield compile_expression("|".join(f"(?:{source})" for source in sources), capture=False)
    except ValueError:
        if len(sources) == 1:
            raise
        yield from joined_expressions(sources[: len(sources) // 2])
        yield from joined_expressions(sources[len(sources) // 2 :])


def is_anchored(pattern: str) -> bool:
    """True for what may fit a whole text and not the same text as a part of a longer one."""
    return any(mark in pattern for mark in ("^", "$", r"\A", r"\z"))


def _explained(problem: Exception) -> str:
    told = problem.args[0] if problem.args else "not understood"
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    if re.match(r"invalid escape sequence: \\[1-9]", text):
        return f"{text}: RE2 has no back-references"
    if text.startswith(r"invalid escape sequence: \Z"):
        return rf"{text}: RE2 writes the end of the text as \z"
    meaning = next((meaning for start, meaning in _EXPLAINED if text.startswith(start)), None)
    return f"{text}: {meaning}" if meaning else text

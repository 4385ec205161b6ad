"""The pieces of a query in a language of pipes that has no grammar to be had: words, texts, brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from siem.proof.grammars.reading import Word


class Broken(ValueError):
    """Quotes or brackets are not in balance, or a command or a function is not known; says where."""


class Sort(StrEnum):
    """What a piece is."""

    TEXT = "text"
    """In double quotes."""
    QUOTED = "quoted"
    """In single quotes: a name."""
    MACRO = "macro"
    """In backticks."""
    TOKEN = "token"  # noqa: S105 -- what a dashboard fills in
    """Between dollars."""
    NUMBER = "number"
    """With a unit, too: `5m`, `-7d@h`."""
    WORD = "word"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Piece:
    """One, with its text as the query has it."""

    sort: Sort
    text: str
    at: int
    """Position in the query, from 0."""

    @property
    def end(self) -> int:
        """Position behind it."""
        return self.at + len(self.text)

    @property
    def low(self) -> str:
        return self.text.lower() if self.sort is Sort.WORD else self.text

    @property
    def name(self) -> str:
        """Of a word or a quoted name."""
        return self.text.strip("'")

    @property
    def constant(self) -> Word | None:
        """What it stands for where a constant may stand."""
        if self.sort is Sort.TEXT:
            return re.sub(r"\\(.)", r"\1", self.text[1:-1])
        return float(self.text) if re.fullmatch(r"-?\d+(\.\d+)?", self.text) else None


_PIECE = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<quoted>'[^']*')
    | (?P<macro>`[^`]*`)
    | (?P<token>\$[\w.|]+\$)
    | (?P<number>(?<![\w.])\d+(?:\.\d+)?[A-Za-z]*(?:@[a-z0-9]+)?)
    | (?P<word>[A-Za-z_@]\w*(?:\{\})?)
    | (?P<operator>==|!=|<=|>=|&&|\|\||[-=<>()\[\]{},|+*/%.!:?;^])
    )""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}


def pieces(text: str) -> list[Piece]:
    """In their order. Raises `Broken` for a quote that does not end, and for brackets that do not fit."""
    found = list(_pieces(text))
    opened: list[Piece] = []
    for piece in found:
        if piece.text in _CLOSES.values():
            opened.append(piece)
        elif piece.text in _CLOSES and (not opened or opened.pop().text != _CLOSES[piece.text]):
            raise Broken(f"{place(text, piece.at)}: {piece.text} closes nothing")
    if opened:
        raise Broken(f"{place(text, opened[-1].at)}: {opened[-1].text} is not closed")
    return found


def _pieces(text: str) -> Iterator[Piece]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _PIECE.match(text, at)
        if match is None:
            raise Broken(f"{place(text, at)}: not understood: {text[at:].lstrip()[:20]!r}")
        sort = str(match.lastgroup)
        yield Piece(Sort(sort), match.group(sort), match.start(sort))
        at = match.end()


def segments(found: Sequence[Piece]) -> list[list[Piece]]:
    """What stands between pipes, outside of brackets."""
    depth, several = 0, [list[Piece]()]
    for piece in found:
        depth += (piece.text in _CLOSES.values()) - (piece.text in _CLOSES)
        if piece.text == "|" and depth == 0:
            several.append([])
        else:
            several[-1].append(piece)
    return several


def place(text: str, at: int) -> str:
    """For people."""
    before = text[:at].split("\n")
    return f"line {len(before)}, column {len(before[-1])}"

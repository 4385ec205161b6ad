"""The words of an expression or a search."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<quoted>'[^']*')|(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w:*]*)"""
    r"""|(?P<sign>==|!=|<=|>=|[=<>().,]))"""
)


class Tokens:
    """Read from the left; the end is an empty word."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                raise ValueError(f"not understood: {text[place:]!r}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()
        self._tokens.reverse()

    @property
    def next(self) -> str:
        """The next word as it stands there."""
        return self._tokens[-1][1] if self._tokens else ""

    def take(self) -> tuple[str, str]:
        """Its kind and itself."""
        if not self._tokens:
            raise ValueError("ends too early")
        return self._tokens.pop()

    def demand(self, word: str) -> None:
        """Go over a word that has to be there."""
        if self.take()[1] != word:
            raise ValueError(f"{word} is missing")

    def listed(self, one: Callable[[], T]) -> list[T]:
        """What stands between parentheses, with commas."""
        self.demand("(")
        found: list[T] = []
        while self.next != ")":
            found.append(one())
            if self.next == ",":
                self.take()
        self.demand(")")
        return found

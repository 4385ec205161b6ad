"""Who is told what goes on, in sentences for people."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]


def quiet(_words: str) -> None:
    """For whoever wants to be told nothing."""

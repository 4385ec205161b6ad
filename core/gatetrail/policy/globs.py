"""Globs: `*` any characters, `?` one, everything else itself; upper and lower case are the same."""

from __future__ import annotations

import re


def is_literal(pattern: str) -> bool:
    """True when the pattern can only stand for itself."""
    return "*" not in pattern and "?" not in pattern


def glob_expression(pattern: str, *, fold: bool = True) -> str:
    """The regular expression (to be used with `fullmatch`; on case-folded text unless `fold` is False) of a glob.

    Matching takes time linear in the text for each star: what stands between two stars is searched once.
    """
    first, *others = (_escape(part) for part in re.split(r"\*+", pattern.casefold() if fold else pattern))
    if not others:
        return f"(?s:{first})"
    *middle, last = others
    return f"(?s:{first}{''.join(f'(?>.*?{part})' for part in middle)}.*{last})"


def compile_glob(pattern: str) -> re.Pattern[str]:
    """For `fullmatch` on case-folded text."""
    return re.compile(glob_expression(pattern))


def _escape(part: str) -> str:
    return "".join("." if character == "?" else re.escape(character) for character in part)

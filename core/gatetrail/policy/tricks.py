"""Writing that looks the same to people and not to an expression."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_UNSEEN = frozenset({"Mn", "Cf"})
"""The categories of marks that combine with a letter and of characters without a look (Unicode, UAX 44)."""
_ASTRAL = re.compile("[\U00010000-\U0010ffff]+")


def without_tricks(text: str) -> str:
    """Plain forms for full-width and other compatible ones (NFKD, UAX 15), without marks and unseen characters.

    Letters of another script that look alike stay what they are.
    """
    plain = _unseen_in_bmp().sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", _ASTRAL.sub(lambda run: _seen(run[0]), plain))


@cache
def _unseen_in_bmp() -> re.Pattern[str]:
    """Of the first 65,536 characters, which `re` looks up in one step; asking each by itself takes 20 times as long."""
    return re.compile(f"[{''.join(chr(number) for number in range(0x10000) if not _seen(chr(number)))}]")


def _seen(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character) not in _UNSEEN)

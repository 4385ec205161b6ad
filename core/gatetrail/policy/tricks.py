"""Writing that looks the same to people and not to an expression."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset({"Mn", "Cf"})
"""The categories of marks that combine with a letter and of characters without a look (Unicode, UAX 44)."""


def without_tricks(text: str) -> str:
    """Plain forms for full-width and other compatible ones (NFKD, UAX 15), without marks and unseen characters.

    Letters of another script that look alike stay what they are.
    """
    plain = unicodedata.normalize("NFKD", text)
    kept = (character for character in plain if unicodedata.category(character) not in _UNSEEN)
    return unicodedata.normalize("NFC", "".join(kept))

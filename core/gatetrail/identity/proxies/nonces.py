"""Numbers that may be used once."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

MAX_WINDOW_S = 120
"""A signature is good for so long before and after its timestamp, at most."""

KEPT_S = 300.0
"""A nonce is remembered for twice that, and a minute in which clocks of machines may differ."""


class Used(Enum):
    """What a store says to a nonce."""

    FIRST = auto()
    AGAIN = auto()
    UNKNOWN = auto()
    """The store has lost what it knew of that time, so nobody can tell."""


class Nonces(Protocol):
    """Nonces that were used, shared by all processes that the same proxy may reach."""

    async def use(self, proxy: str, nonce: str, since_s: float) -> Used:
        """Note a nonce of a proxy. Of many who come with the same one at once, one is the first.

        `since_s`, in seconds since 1970, is when the signature was good for the first time. Raises `Unavailable`.
        """
        ...

"""What stands in the place of a value."""

from __future__ import annotations

import hmac
import re
from typing import assert_never

from gatetrail.words import Action

MASK = "[redacted]"
HASH_PREFIX = "hmac:"
HASH_DIGITS = 32
"""128 of the 256 bits: among a million million different values, two have the same with a chance of 1 in 10^15."""
MIN_KEY_BYTES = 32

_MARK = re.compile(r"(?:\[redacted(?::[\w.-]{1,48})?\]|hmac:[0-9a-f]{32})")


class Marks:
    """Makes marks under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hashed(self, value: str) -> str:
        """`hmac:` and 32 hexadecimal digits of the HMAC-SHA-256 (RFC 2104) of the UTF-8 text."""
        digest = hmac.digest(self._key, value.encode("utf-8", "replace"), "sha256")
        return HASH_PREFIX + digest.hex()[:HASH_DIGITS]

    def digest(self, content: bytes) -> str:
        """`hmac-sha256:` and 64 hexadecimal digits."""
        return f"hmac-sha256:{hmac.digest(self._key, content, 'sha256').hex()}"

    def of(self, value: str, action: Action, label: str | None = None) -> str:
        """What stands for a value; nothing at all for one that is dropped."""
        match action:
            case Action.KEEP:
                return value
            case Action.MASK:
                return f"[redacted:{label}]" if label else MASK
            case Action.HASH:
                return self.hashed(value)
            case Action.DROP:
                return ""
            case _:
                assert_never(action)


def is_mark(text: str) -> bool:
    """True for what `Marks` has made: it is not redacted once more."""
    return _MARK.fullmatch(text) is not None

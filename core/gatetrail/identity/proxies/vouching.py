"""The identity headers of one request, read; nothing of it is believed yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from gatetrail.identity.signing import (
    IDENTITY_HEADERS,
    NONCE,
    PROXY,
    REQUIRED_HEADERS,
    SIGNATURE,
    TIMESTAMP,
    USER,
    canonical,
    wrong_with,
)

Headers = Sequence[tuple[bytes, bytes]]


def _spellings(name: str) -> set[bytes]:
    """With dashes, underscores or both: there are programs to which they are the same."""
    parts = name.split("-")
    joints = product("-_", repeat=len(parts) - 1)
    return {"".join(map("".join, zip(parts, (*chosen, ""), strict=True))).encode() for chosen in joints}


SPELLINGS = frozenset(spelling for name in IDENTITY_HEADERS for spelling in _spellings(name))
"""All names, in lower case, under which an identity could be smuggled in."""

_EXACT = {name.encode(): name for name in IDENTITY_HEADERS}


@dataclass(frozen=True, slots=True)
class Vouched:
    """Headers that are all there, once each, and well formed."""

    values: Mapping[str, str]

    @property
    def proxy(self) -> str:
        """The name of the proxy that it claims to be."""
        return self.values[PROXY]

    @property
    def user(self) -> str:
        return self.values[USER]

    @property
    def nonce(self) -> str:
        return self.values[NONCE]

    @property
    def signature(self) -> str:
        return self.values[SIGNATURE]

    @property
    def timestamp_s(self) -> int:
        return int(self.values[TIMESTAMP])

    def text(self, method: str, target: bytes) -> bytes:
        """What must have been signed."""
        return canonical(method, target, self.values)


def vouched_in(headers: Headers) -> Vouched | str:
    """The headers, of which only identity headers are given; or what is wrong with them. Never raises."""
    values: dict[str, str] = {}
    for name, raw in headers:
        exact = _EXACT.get(name)
        if exact is None:
            return f"{name.decode('ascii', 'replace')} is spelt with underscores"
        if exact in values:
            return f"{exact} stands there more than once"
        try:
            values[exact] = raw.decode()
        except UnicodeDecodeError:
            return f"{exact} is not UTF-8"
        if wrong := wrong_with(exact, values[exact]):
            return f"{exact} {wrong}"
    missing = [name for name in REQUIRED_HEADERS if name not in values]
    return f"{missing[0]} is missing" if missing else Vouched(values)

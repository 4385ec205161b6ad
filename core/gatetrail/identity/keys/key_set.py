"""The keys of one JWKS (RFC 7517, section 5) that can be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gatetrail.identity.keys.key import KeyUnusableError, VerificationKey, public_key
from gatetrail.identity.strict_json import is_list, strict_object

MAX_NAMELESS = 4
"""So many keys are tried at most for a token that does not say which one it was signed with."""

_OPENINGS_OF_A_KEY = 8


@dataclass(frozen=True, slots=True)
class KeySet:
    """Usable keys in the order of the file, and why the others are not used."""

    keys: tuple[VerificationKey, ...] = ()
    unused: tuple[str, ...] = ()
    """A sentence for each key that is not used."""

    def candidates(self, algorithm: str, key_id: str | None) -> tuple[VerificationKey, ...]:
        """The keys of a name, for one algorithm; with no name the first few, whatever they are called."""
        fitting = (key for key in self.keys if key.algorithm == algorithm)
        if key_id is None:
            return tuple(fitting)[:MAX_NAMELESS]
        return tuple(key for key in fitting if key.key_id == key_id)


def parse_key_set(content: bytes, max_keys: int, known: KeySet) -> KeySet:
    """The set in a JSON text; keys that `known` has too are the same objects. Raises ValueError."""
    listed: object = strict_object(content, max_keys * _OPENINGS_OF_A_KEY).get("keys")
    if not is_list(listed):
        raise ValueError("is no key set: it has no list `keys`")
    if len(listed) > max_keys:
        raise ValueError(f"holds {len(listed)} keys; expected at most {max_keys}")
    kept = {key.thumbprint: key for key in known.keys}
    unused: list[str] = []
    keys = [kept.get(key.thumbprint, key) for key in _usable(listed, unused)]
    return KeySet(tuple(keys), tuple(unused))


def _usable(listed: list[Any], unused: list[str]) -> Iterator[VerificationKey]:
    for position, jwk in enumerate(listed):
        try:
            yield public_key(jwk)
        except KeyUnusableError as problem:
            unused.append(f"keys[{position}]: {problem}")

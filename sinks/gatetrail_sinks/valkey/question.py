"""The takings of many calls as the script reads them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from gatetrail.limits import Taking

DIGEST_BYTES = 16
PREFIX = "{gatetrail-rates}:"
"""With a hash tag: a call takes of several buckets at once, and a cluster runs a script only where all keys are."""


def bucket_key(key: str) -> str:
    """The bucket's name in the store: a digest, so that no id of a caller is told."""
    return PREFIX + blake2b(key.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


def question(calls: Sequence[Sequence[Taking]], at_s: float | None = None) -> tuple[list[str], list[str]]:
    """KEYS and ARGV."""
    numbers: dict[str, int] = {}
    arguments: list[str] = ["" if at_s is None else repr(at_s)]
    for wanted in calls:
        arguments.append(str(len(wanted)))
        for taking in wanted:
            number = numbers.setdefault(taking.key, len(numbers) + 1)
            arguments += (str(number), repr(taking.limit.rate_per_s), repr(taking.limit.capacity))
    return [bucket_key(key) for key in numbers], arguments

"""Time and ids, always passed in so that no test has to wait or guess."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

TAILS_AT_ONCE = 512
"""The kernel is asked for the random parts of many ids at once: a system call each would cost more than the rest."""


class Clock(Protocol):
    """Two clocks in one: what the calendar says and what a stopwatch says."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z. May jump when the host's clock is set."""
        ...

    def monotonic_s(self) -> float:
        """Seconds from an unknown start. Never goes back; for waits, rates and latencies."""
        ...


class SystemClock:
    """The host's clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        return time.monotonic()


@lru_cache(maxsize=8)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(moment_us: int) -> str:
    """UTC with microseconds and `Z`, always 27 characters, so text order is time order (RFC 3339)."""
    second, fraction = divmod(moment_us, 1_000_000)
    return f"{_second_text(second)}.{fraction:06d}Z"


def from_rfc3339(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 time with offset. Raises ValueError on anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write for example 2026-01-31T08:00:00Z")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


class IdMaker:
    """Makes UUIDv7 texts that grow from call to call within one maker (RFC 9562, section 5.7).

    The 12 bits after the milliseconds hold their fraction, so order is kept to about 250 ns; ids of
    the same or an earlier moment are moved forward by one step instead. Safe to call from threads.
    """

    def __init__(self, clock: Clock, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._tails: list[str] = []
        self._last = 0
        self._lock = threading.Lock()

    def new_id(self) -> str:
        """36 characters, lower case, with dashes."""
        now_us = self._clock.now_us()
        milliseconds, rest_us = divmod(now_us, 1000)
        with self._lock:
            step = max((milliseconds << 12) | (rest_us * 4096 // 1000), self._last + 1)
            self._last = step
            if not self._tails:
                self._tails = _tails(self._random_bytes(8 * TAILS_AT_ONCE))
            tail = self._tails.pop()
        head = f"{step >> 12:012x}"
        return f"{head[:8]}-{head[8:]}-7{step & 0xFFF:03x}-{tail}"


def _tails(random_bytes: bytes) -> list[str]:
    """The last 16 digits of ids with their dash: the two bits of the variant, then 62 random ones."""
    tails: list[str] = []
    for start in range(0, len(random_bytes), 8):
        bits = int.from_bytes(random_bytes[start : start + 8]) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        digits = f"{bits:016x}"
        tails.append(f"{digits[:4]}-{digits[4:]}")
    return tails


def id_moment_us(identifier: str) -> int:
    """When a UUIDv7 text was made, in whole milliseconds, given as microseconds since 1970."""
    return int(identifier.replace("-", "")[:12], 16) * 1000

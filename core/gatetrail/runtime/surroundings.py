"""What a process takes from the machine that it runs on: time, chance, and which release it is."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.metadata import version

import anyio

from gatetrail.clock import Clock, SystemClock


def _installed() -> str:
    return version("gatetrail")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """By default the real ones. Whoever gives all of them gets the same record, byte for byte, each time."""

    clock: Clock = field(default_factory=SystemClock)
    random_bytes: Callable[[int], bytes] = os.urandom
    """Of ids."""
    stopwatch_ns: Callable[[], int] = time.perf_counter_ns
    """Measures the gates."""
    pause: Callable[[float], Awaitable[None]] = anyio.sleep
    """Lies between two heartbeats, and between two looks for what others left behind; seconds."""
    product_version: str = field(default_factory=_installed)
    """What stands in all that is recorded."""

"""Where an upstream is and what it is given there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gatetrail.tls import ClientTls


@dataclass(frozen=True, slots=True)
class Revealed:
    """Variables or headers by name, as they are sent; and those texts among them that must never be shown."""

    values: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str] = field(repr=False, default=frozenset())


Reveal = Callable[[], Revealed]
"""Asked at each connect, so that credentials can be exchanged while we run. Raises OSError or `GatetrailError`."""


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """A program that speaks MCP over its stdin and stdout."""

    command: tuple[str, ...]
    environment: Reveal
    """All of its environment; nothing of ours is added."""
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class UrlTarget:
    """An endpoint that speaks MCP over streamable HTTP."""

    url: str
    headers: Reveal
    tls: ClientTls | None = None


Target = CommandTarget | UrlTarget


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an upstream may take."""

    time_limit_ms: int | None = None
    """Of one call; None: only the policy's limit counts."""
    start_limit_ms: int = 30_000
    retry_initial_ms: int = 500
    retry_max_ms: int = 30_000

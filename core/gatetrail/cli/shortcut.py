"""The way past the whole command line for the one command that an agent waits for."""

from __future__ import annotations

import os
from collections.abc import Sequence

_OPTIONS = ("--url", "--token-file", "--timeout")


def run_hook(arguments: Sequence[str]) -> int | None:
    """Run `hook EVENT` with plain options and give its exit code; None for anything that needs more than that."""
    from gatetrail.cli.agent_hook import EVENTS, TIMEOUT_S, report

    if len(arguments) < len(("hook", "EVENT")) or arguments[0] != "hook" or arguments[1] not in EVENTS:
        return None
    given = _options_in(arguments[2:])
    if given is None:
        return None
    from pathlib import Path

    try:
        timeout_s = float(given.get("--timeout", TIMEOUT_S))
    except ValueError:
        return None
    if not timeout_s > 0:
        return None
    file = given.get("--token-file") or os.environ.get("GATETRAIL_TOKEN_FILE")
    return report(
        arguments[1],
        url=given.get("--url") or os.environ.get("GATETRAIL_URL"),
        token_file=Path(file) if file else None,
        timeout_s=timeout_s,
    )


def _options_in(arguments: Sequence[str]) -> dict[str, str] | None:
    given: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name not in _OPTIONS or (not equals and not rest):
            return None
        given[name] = value if equals else rest.pop(0)
    return given

"""The settings that have Claude Code report its moments, ready to be pasted."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from gatetrail.cli.agent_hook import EVENTS, GATE, PATH
from gatetrail.cli.token_text import TOKEN_VARIABLE

AGENT_WAITS_S = 15
"""Longer than the command itself: it is to deny before the agent gives it up."""
COMMANDS_ONLY = frozenset({"SessionStart"})
"""Moments for which Claude Code runs commands, and asks nobody over HTTP."""


def command_settings(url: str | None = None, token_file: Path | None = None) -> dict[str, Any]:
    """For a machine on which `gatetrail` is installed. What is left out comes from the environment."""
    return {"hooks": {event: [{"hooks": [_command(event, url, token_file)]}] for event in EVENTS}}


def http_settings(url: str) -> dict[str, Any]:
    """For a machine without it. The token comes from the environment."""
    asked = {event: [{"hooks": [_asked(event, url)]}] for event in EVENTS if event not in COMMANDS_ONLY}
    return {"hooks": asked}


def text_of(settings: dict[str, Any]) -> str:
    """As JSON, one moment a line."""
    lines = [f"    {json.dumps(event)}: {json.dumps(groups)}" for event, groups in settings["hooks"].items()]
    return "\n".join(["{", '  "hooks": {', ",\n".join(lines), "  }", "}"])


def _command(event: str, url: str | None, token_file: Path | None) -> dict[str, Any]:
    words = ["gatetrail", "hook", event]
    if url is not None:
        words += ["--url", url]
    if token_file is not None:
        words += ["--token-file", str(token_file)]
    return {"type": "command", "command": shlex.join(words), "timeout": AGENT_WAITS_S, **_closed(event)}


def _asked(event: str, url: str) -> dict[str, Any]:
    return {
        "type": "http",
        "url": url.rstrip("/") + PATH,
        "headers": {"Authorization": f"Bearer ${TOKEN_VARIABLE}"},
        "allowedEnvVars": [TOKEN_VARIABLE],
        "timeout": AGENT_WAITS_S,
        **_closed(event),
    }


def _closed(event: str) -> dict[str, str]:
    return {"onFailure": "block"} if event == GATE else {}

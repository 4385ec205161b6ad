"""What normal traffic looks like, and what probes do: one JSON object a line, each with why it is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def lines(name: str) -> list[dict[str, Any]]:
    """The lines of a file. A value `{"repeat": TEXT, "times": N}` stands for a long text."""
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line, object_hook=_expanded) for line in text.splitlines()]


def column(name: str, key: str) -> list[str]:
    """One value of each line."""
    return [line[key] for line in lines(name)]


def _expanded(value: dict[str, Any]) -> Any:
    return value["repeat"] * value["times"] if value.keys() == {"repeat", "times"} else value

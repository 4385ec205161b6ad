"""The schemas as they were released, and the command that adds those of today: `python -m tests.contract.frozen`.

Run it when a version is released, and never again for that version: what is frozen is what users rely on.
`--again` writes the current version anew; that is right only as long as it is not released.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gatetrail.events.fields import SCHEMA_VERSION
from gatetrail.runtime.schema.shipped import generated

FOLDER = Path(__file__).with_name("frozen_schemas")
NAMES = ("event.schema.json", "policy.schema.json", "service.schema.json")
"""The union of the events holds them all."""

Schemas = Mapping[str, dict[str, Any]]


def current() -> Schemas:
    """What the models say now, by file name."""
    now = generated()
    return {name: json.loads(now[name]) for name in NAMES}


def frozen() -> dict[str, Schemas]:
    """What was released, by version and file name."""
    return {
        folder.name: {name: json.loads((folder / name).read_text("utf-8")) for name in NAMES}
        for folder in sorted(FOLDER.iterdir())
    }


def freeze(*, again: bool) -> Iterator[Path]:
    """Write the schemas of today under their version. Raises FileExistsError, unless they are to be written again."""
    folder = FOLDER / SCHEMA_VERSION
    folder.mkdir(parents=True, exist_ok=again)
    now = generated()
    for name in NAMES:
        (folder / name).write_bytes(now[name])
        yield folder / name


if __name__ == "__main__":
    for path in freeze(again="--again" in sys.argv[1:]):
        sys.stdout.write(f"{path}\n")

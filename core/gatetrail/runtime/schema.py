"""The JSON Schemas that ship, generated from the models, and the check that they still fit them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from gatetrail.events.model import EVENT_ADAPTER
from gatetrail.policy.model import PolicyDocument
from gatetrail.resources import schemas
from gatetrail.settings import ServiceSettings

VERSION_FOLDER = "v1"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def generated() -> Mapping[str, bytes]:
    """Every schema of this version by file name, as it must stand in `schemas/v1/`."""
    return {
        "event.schema.json": _render(EVENT_ADAPTER.json_schema(by_alias=True), "An event of Gatetrail"),
        "policy.schema.json": _render(PolicyDocument.model_json_schema(), "The policy file of Gatetrail"),
        "service.schema.json": _render(ServiceSettings.model_json_schema(), "The service file of Gatetrail"),
    }


def export(folder: Path) -> None:
    """Write all schemas into a folder, which is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in generated().items():
        (folder / name).write_bytes(content)


def drifted() -> list[str]:
    """The shipped files that are missing or differ from what the models say now; empty when all fit."""
    shipped = schemas() / VERSION_FOLDER
    return [
        name
        for name, content in generated().items()
        if not (shipped / name).is_file() or (shipped / name).read_bytes() != content
    ]


def _render(schema: dict[str, Any], title: str) -> bytes:
    return orjson.dumps({"$schema": _DIALECT, **schema, "title": title}, option=orjson.OPT_INDENT_2) + b"\n"

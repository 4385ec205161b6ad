"""The JSON Schemas that ship, generated from the models, and the check that they still fit them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import orjson

from gatetrail.events.model import EVENT_ADAPTER
from gatetrail.hooks import HookPayload
from gatetrail.policy.model import PolicyDocument
from gatetrail.resources import schemas
from gatetrail.runtime.schema.examples import event_examples
from gatetrail.runtime.schema.kinds import event_kinds
from gatetrail.runtime.schema.writer import EventSchemaWriter, OutgoingSchemaWriter, SchemaWriter
from gatetrail.runtime.sink_options import SINK_OPTIONS
from gatetrail.settings import ServiceSettings

VERSION_FOLDER = "v1"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SUFFIX = ".schema.json"


def generated() -> Mapping[str, bytes]:
    """Every schema of this version by path, as it must stand in `schemas/v1/`.

    `events/` holds one file for each `event_name`, and `event.schema.json` is the union of them all.
    """
    examples = event_examples()
    found = {
        "event": _union([example for of_one in examples.values() for example in of_one]),
        **{f"events/{name}": _event(name, examples[name]) for name in event_kinds()},
        "policy": _file(
            PolicyDocument.model_json_schema(schema_generator=SchemaWriter), "The policy file of Gatetrail"
        ),
        "hook": _hook(),
        "service": _file(_service(), "The service file"),
    }
    return {f"{name}{_SUFFIX}": _render(name, schema) for name, schema in found.items()}


def export(folder: Path) -> None:
    """Write all schemas into a folder, which is made when it is missing."""
    for name, content in generated().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def drifted() -> list[str]:
    """The shipped files that are missing, differ from what the models say now, or are of no model; empty if all fit."""
    shipped = dict(_files(schemas() / VERSION_FOLDER))
    wanted = generated()
    return sorted(name for name in shipped.keys() | wanted.keys() if shipped.get(name) != wanted.get(name))


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_bytes()


def _event(name: str, examples: list[dict[str, Any]]) -> dict[str, Any]:
    schema = event_kinds()[name].model_json_schema(schema_generator=EventSchemaWriter)
    described = {"description": schema["properties"]["event_name"]["description"]}
    schema["properties"]["event_name"] = {"const": name, "type": "string", **described}
    return {**schema, "title": name, "examples": examples}


def _union(examples: list[dict[str, Any]]) -> dict[str, Any]:
    schema = EVENT_ADAPTER.json_schema(schema_generator=EventSchemaWriter)
    described = (
        "One line of the record. Later versions with the same first number may add keys, kinds of events and values "
        "of closed lists, and take nothing away: read what you know, and let the rest be."
    )
    return {**schema, "title": "An event of Gatetrail", "description": described, "examples": examples}


def _hook() -> dict[str, Any]:
    schema = HookPayload.model_json_schema(schema_generator=OutgoingSchemaWriter)
    return {**schema, "title": "What a hook is told", "description": inspect.cleandoc(HookPayload.__doc__ or "")}


def _service() -> dict[str, Any]:
    # Settings stand below the sinks and know them as keys and values only; what each type wants is put in here.
    schema = ServiceSettings.model_json_schema(schema_generator=SchemaWriter)
    sink = SINK_OPTIONS.json_schema(schema_generator=SchemaWriter)
    schema["$defs"] |= sink.pop("$defs")
    schema["properties"]["sinks"]["additionalProperties"] = sink
    return schema


def _file(schema: dict[str, Any], title: str) -> dict[str, Any]:
    # An unknown key at the top is refused, also where pydantic-settings itself would let it pass.
    return {**schema, "title": title, "additionalProperties": False}


def _render(name: str, schema: dict[str, Any]) -> bytes:
    head = {"$schema": _DIALECT, "$id": f"urn:gatetrail:schema:{VERSION_FOLDER}:{name.replace('/', ':')}"}
    body = {key: schema[key] for key in ("title", "description") if key in schema}
    return orjson.dumps({**head, **body, **schema}, option=orjson.OPT_INDENT_2) + b"\n"

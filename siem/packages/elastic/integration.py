"""The generated parts of the integration package: what Fleet installs and `elastic-package` tests.

Manifests, its page, the changelog and the agent's template are written by hand, in `siem-samples/elastic`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gatetrail.formats.ecs import ECS_VERSION
from siem.files import Files
from siem.packages.elastic.assets import asset_files
from siem.packages.elastic.fields import ECS_FIELDS, SHARED_WITH_ECS, flat_fields
from siem.packages.elastic.names import DATASET, PACKAGE, STREAM
from siem.packages.elastic.pipeline import package_pipeline
from siem.packages.elastic.pipeline_tests import after_pipeline, pipeline_tests
from siem.packages.elastic.text import json_text, yaml_text
from siem.places import EVERY_KIND, SCHEMA

_STREAM = f"data_stream/{STREAM}"
_CONSTANTS = ("event.module", "event.dataset")

_OF_AGENT = {
    "input.type": ("keyword", "Input of the agent that read the line."),
    "log.file.device_id": ("keyword", "Device on which the file is."),
    "log.file.fingerprint": ("keyword", "By which the agent knows the file again."),
    "log.file.inode": ("keyword", "Inode of the file."),
    "log.file.path": ("keyword", "The file that the line was in."),
    "log.offset": ("long", "Where in the file the line begins."),
}
"""What `filestream` adds."""

Field = dict[str, Any]


def integration_files() -> Files:
    """By path within the package."""
    fields = {"agent.yml": _agent(), "base-fields.yml": _base(), "ecs.yml": _ecs(), "fields.yml": _own()}
    tests = {f"{_STREAM}/_dev/test/pipeline/{name}": content for name, content in pipeline_tests().items()}
    return {
        f"{_STREAM}/elasticsearch/ingest_pipeline/default.yml": yaml_text(package_pipeline()),
        **{f"{_STREAM}/fields/{name}": yaml_text(content) for name, content in fields.items()},
        f"{_STREAM}/sample_event.json": json_text(_sample()),
        **tests,
        **asset_files(),
    }


def _agent() -> Sequence[Field]:
    return [_field(name, {"type": kind}, told) for name, (kind, told) in sorted(_OF_AGENT.items())]


def _base() -> Sequence[Field]:
    stream = [
        {"name": f"data_stream.{name}", "type": "constant_keyword", "description": f"Data stream {name}."}
        for name in ("type", "dataset", "namespace")
    ]
    constants = [
        {"name": name, "type": "constant_keyword", "description": "Constant.", "value": ECS_FIELDS[name]["value"]}
        for name in _CONSTANTS
    ]
    time = {"name": "@timestamp", "type": "date", "description": _descriptions()["@timestamp"]}
    return [*stream, *constants, time]


def _ecs() -> Sequence[Field]:
    """Spelled out rather than as `external: ecs`, so that the folder can be installed without being built first."""
    shared = {name: flat_fields()[name] for name in SHARED_WITH_ECS if not name.startswith("@")}
    fields = {name: field for name, field in {**ECS_FIELDS, **shared}.items() if name not in _CONSTANTS}
    return [_field(name, field, f"ECS {ECS_VERSION}: {name}.") for name, field in sorted(fields.items())]


def _own() -> Sequence[Field]:
    told = _descriptions()
    return [_field(name, mapped, told[name]) for name, mapped in flat_fields().items() if name not in SHARED_WITH_ECS]


def _field(name: str, mapped: Mapping[str, Any], description: str) -> Field:
    field: Field = {"name": name, "type": mapped["type"], "description": description}
    field |= {option: mapped[option] for option in ("ignore_above", "index", "doc_values") if option in mapped}
    if "fields" in mapped:
        field["multi_fields"] = [{"name": sub, **options} for sub, options in mapped["fields"].items()]
    return field


def _descriptions() -> Mapping[str, str]:
    """What the event's own schema says of each key; the first kind that has it speaks."""
    found: dict[str, str] = {}
    for definition in orjson.loads(SCHEMA.read_bytes())["$defs"].values():
        for name, described in definition.get("properties", {}).items():
            found.setdefault(name, described.get("description") or _spelled(name))
    return found


def _spelled(name: str) -> str:
    return f"{name.replace('_', ' ').capitalize()}."


def _sample() -> Mapping[str, Any]:
    lines = EVERY_KIND.read_bytes().splitlines()
    line = next(line for line in lines if orjson.loads(line)["event_name"] == "tool_call.decided").decode()
    added = {
        "agent": {"name": "gateway", "type": "filebeat", "version": "9.2.0"},
        "data_stream": {"dataset": DATASET, "namespace": "default", "type": "logs"},
        "input": {"type": "filestream"},
        "log": {"file": {"path": "/var/log/gatetrail/audit.jsonl"}, "offset": 0},
    }
    return after_pipeline({"message": line, **added}).source


FOLDER = PACKAGE
"""Below `siem-samples/elastic`."""

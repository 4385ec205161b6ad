"""The integration package is laid out as Elastic's own are, and its parts fit each other.

By the package specification (github.com/elastic/package-spec, version 3); `elastic-package` itself does not run here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
import yaml

from siem.packages.elastic.integration import integration_files
from siem.packages.elastic.names import DATASET, LEAST_STACK, PACKAGE, STREAM, VERSION
from siem.packages.elastic.pipeline import package_pipeline
from siem.packages.elastic.pipeline_tests import after_pipeline
from siem.places import SAMPLES
from siem.schema import keys

pytestmark = pytest.mark.requirement("E7")

FOLDER = SAMPLES / "elastic" / PACKAGE
STREAM_FOLDER = FOLDER / "data_stream" / STREAM


BY_HAND = {
    "manifest.yml",
    "changelog.yml",
    "docs/README.md",
    f"data_stream/{STREAM}/manifest.yml",
    f"data_stream/{STREAM}/agent/stream/filestream.yml.hbs",
}


def read_yaml(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def test_the_manifest_names_the_package_and_its_version() -> None:
    manifest = read_yaml("manifest.yml")
    assert manifest["name"] == PACKAGE
    assert manifest["version"] == VERSION == read_yaml("changelog.yml")[0]["version"]
    assert manifest["type"] == "integration"
    assert {"format_version", "title", "description", "categories", "conditions", "policy_templates", "owner"} <= set(
        manifest
    )
    assert manifest["conditions"]["kibana"]["version"] == f"^{LEAST_STACK}"
    assert f"{PACKAGE}.{STREAM}" == DATASET


def test_inputs_of_the_manifest_are_those_of_the_data_stream() -> None:
    inputs = {one["type"] for template in read_yaml("manifest.yml")["policy_templates"] for one in template["inputs"]}
    streams = read_yaml(f"data_stream/{STREAM}/manifest.yml")["streams"]
    assert {stream["input"] for stream in streams} == inputs
    for stream in streams:
        template = (STREAM_FOLDER / "agent" / "stream" / stream["template_path"]).read_text("utf-8")
        for variable in stream["vars"]:
            assert variable["name"] in template


def test_fields_are_all_keys_and_all_that_the_pipeline_adds_each_once() -> None:
    names = [field["name"] for name in ("base-fields", "ecs", "fields") for field in _fields(name)]
    assert len(names) == len(set(names))
    assert keys().keys() <= set(names)
    assert all(field["description"] for field in _fields("fields"))


def test_the_pipeline_of_the_package_is_the_one_that_was_tried() -> None:
    made = integration_files()[f"data_stream/{STREAM}/elasticsearch/ingest_pipeline/default.yml"]
    assert yaml.safe_load(made) == package_pipeline()


def test_each_processor_has_a_tag_of_its_own() -> None:
    """`error.message` names the processor that failed by its tag."""
    tags = [options["tag"] for one in package_pipeline()["processors"] for options in one.values()]
    assert len(tags) == len(set(tags))


def test_there_is_an_expectation_for_each_event_of_each_pipeline_test() -> None:
    files = integration_files()
    brought = {name.removesuffix("-expected.json") for name in files if name.endswith("-expected.json")}
    assert len(brought) == 3
    for name in brought:
        expected = orjson.loads(files[f"{name}-expected.json"])["expected"]
        assert [_of(made) for made in expected] == [_of(one) for one in _brought(files[name], name)]


def test_the_sample_is_an_event_behind_the_pipeline() -> None:
    sample = orjson.loads(integration_files()[f"data_stream/{STREAM}/sample_event.json"])
    assert sample["data_stream"]["dataset"] == DATASET
    flat = {key: sample[key] for key in keys() if key in sample}
    assert sample["event"] == after_pipeline(flat).source["event"]


def _fields(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_yaml(f"data_stream/{STREAM}/fields/{name}.yml")
    return found


def _brought(content: bytes, name: str) -> list[Mapping[str, Any]]:
    if name.endswith(".log"):
        return [orjson.loads(line) for line in content.splitlines()]
    found: list[Mapping[str, Any]] = orjson.loads(content)["events"]
    return found


def _of(event: Mapping[str, Any]) -> object:
    return event.get("event_id")


def test_every_file_is_generated_or_one_of_those_written_by_hand() -> None:
    """So that nothing stays behind when a rule goes."""
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert there - set(integration_files()) == BY_HAND
    assert set(integration_files()) <= there

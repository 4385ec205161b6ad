"""The commands of the page run as they stand there, and send what Elasticsearch and Kibana take.

In their place a small server writes down what comes. What a real one says to it is not known here.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any

import orjson
import pytest
import yaml

from siem.golden import corpus
from siem.packages.elastic.detection import detection_rules
from siem.packages.elastic.names import COMPONENT, CUSTOM, PACKAGE, PIPELINE, TEMPLATE, VERSION
from siem.packages.elastic.pipeline_tests import after_pipeline
from siem.places import CORPUS, EVERY_KIND, SAMPLES
from siem.sources import rules
from tests.require import require_or_skip

pytestmark = pytest.mark.requirement("E7")

FOLDER = SAMPLES / "elastic"
PAGE = (FOLDER / "README.md").read_text("utf-8")
BLOCKS: Sequence[str] = [dedent(block) for block in re.findall(r"^ *```\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)]
KEY = "c2VjcmV0"
WITHIN_S = 30.0
FIRST_ALERT = next(rule for rule in rules() if rule.name == "scanner_probes_by_address")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Stack:
    """What stands in for Elasticsearch, Kibana and Gatetrail at once."""

    url: str
    asked: list[Asked] = field(default_factory=list[Asked])

    def run(self, *blocks: str, folder: Path = FOLDER) -> list[Asked]:
        """The requests that these commands make, after those that define names."""
        script = "\n".join(("set -e", 'auth="Authorization: ApiKey $ELASTIC_API_KEY"', *blocks))
        away = script.replace("http://127.0.0.1:8080", self.url)
        environment = {"PATH": os.environ["PATH"], "ELASTIC_API_KEY": KEY, "ES_URL": self.url, "KIBANA_URL": self.url}
        done = subprocess.run(
            ["bash", "-c", away], cwd=folder, env=environment, capture_output=True, timeout=WITHIN_S, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        asked, self.asked[:] = list(self.asked), []
        return asked


@pytest.fixture
def stack() -> Iterator[Stack]:
    require_or_skip(shutil.which("curl") and shutil.which("bash"), "there is no curl or no bash")
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_PUT = do_POST = do_PATCH = answer  # noqa: N815 -- names of http.server

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- its name, too
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Stack(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join(WITHIN_S)
        server.server_close()


def block(words: str) -> str:
    """The one block of the page that has these words."""
    (found,) = [one for one in BLOCKS if words in one]
    return found


def test_every_request_has_the_key_and_goes_where_the_objects_belong(stack: Stack) -> None:
    asked = stack.run(block("put _ingest"))
    assert [(one.method, one.path) for one in asked] == [
        ("PUT", f"/_ingest/pipeline/{PIPELINE}"),
        ("PUT", f"/_component_template/{COMPONENT}"),
        ("PUT", f"/_index_template/{TEMPLATE}"),
    ]
    names = ("ingest-pipeline", "component-template", "index-template")
    for one, name in zip(asked, names, strict=True):
        assert one.headers["Authorization"] == f"ApiKey {KEY}"
        assert one.body == (FOLDER / f"{name}.json").read_bytes()


def test_one_event_is_tried_as_the_simulation_wants_it(stack: Stack) -> None:
    (asked,) = stack.run(block("_simulate"))
    (document,) = orjson.loads(asked.body)["docs"]
    assert document["_source"] == corpus()[0]
    assert after_pipeline(document["_source"]).metadata["_id"] == corpus()[0]["event_id"]


def test_saved_objects_and_rules_are_imported_as_files(stack: Stack) -> None:
    asked = stack.run(block("saved_objects/_import"))
    assert [(one.method, one.path) for one in asked] == [
        ("POST", "/api/saved_objects/_import?overwrite=true"),
        ("POST", "/api/detection_engine/rules/_import?overwrite=true"),
    ]
    for one, name in zip(asked, ("gatetrail", "detection-rules"), strict=True):
        assert one.headers["kbn-xsrf"] == "true"
        assert one.headers["Content-Type"].startswith("multipart/form-data")
        assert (FOLDER / "kibana" / f"{name}.ndjson").read_bytes() in one.body
        assert f'filename="{name}.ndjson"'.encode() in one.body


def test_the_rule_that_is_switched_on_is_the_one_that_the_probes_set_off(stack: Stack) -> None:
    (switched,) = stack.run(block("-X PATCH"))
    assert orjson.loads(switched.body) == {"rule_id": FIRST_ALERT.id, "enabled": True}
    (made,) = [one for one in detection_rules() if one["rule_id"] == FIRST_ALERT.id]
    *probes, looked = stack.run(block("for probe"))
    assert len(probes) == made["threshold"]["value"]
    assert {probe.path for probe in probes} == {"/.env"}
    assert orjson.loads(looked.body)["query"] == {"term": {"kibana.alert.rule.rule_id": FIRST_ALERT.id}}


def test_the_sample_is_sent_as_lines_that_only_create(stack: Stack) -> None:
    (asked,) = stack.run(block("_bulk"))
    assert asked.path == f"/{TEMPLATE}-sample/_bulk"
    lines = [orjson.loads(line) for line in asked.body.splitlines()]
    assert lines[::2] == [{"create": {}}] * len(corpus())
    assert lines[1::2] == list(corpus())


def test_retention_goes_to_the_operators_own_component(stack: Stack) -> None:
    (asked,) = stack.run(block("data_retention"))
    assert asked.path == f"/_component_template/{CUSTOM}"
    assert orjson.loads(asked.body)["template"]["lifecycle"]["data_retention"]


def test_the_package_is_uploaded_whole_under_its_version(stack: Stack, tmp_path: Path) -> None:
    require_or_skip(shutil.which("zip"), "there is no zip")
    shutil.copytree(FOLDER / PACKAGE, tmp_path / PACKAGE)
    (asked,) = stack.run(block("epm/packages"), folder=tmp_path)
    assert (asked.method, asked.path) == ("POST", "/api/fleet/epm/packages")
    sent = {name.rstrip("/") for name in zipfile.ZipFile(io.BytesIO(asked.body)).namelist()}
    there = {path.relative_to(FOLDER / PACKAGE) for path in (FOLDER / PACKAGE).rglob("*") if path.is_file()}
    wanted = {f"{PACKAGE}-{VERSION}/{path.as_posix()}" for path in there if "_dev" not in path.parts}
    assert wanted <= sent
    assert not any("_dev/" in name for name in sent)
    assert [path.name for path in tmp_path.iterdir()] == [PACKAGE]


def test_filebeat_sends_the_line_as_text_to_our_data_stream() -> None:
    settings = yaml.safe_load((FOLDER / "filebeat.yml").read_text("utf-8"))
    (entry,) = settings["filebeat.inputs"]
    assert entry["type"] == "filestream"
    assert "parsers" not in entry
    assert settings["output.elasticsearch"]["index"] == f"{TEMPLATE}-default"
    assert settings["setup.template.enabled"] is settings["setup.ilm.enabled"] is False


def test_followers_read_from_the_first_event_on_and_through_a_rotation() -> None:
    """`filestream` knows a file by its beginning, and waits until there is as much: by default 1,024 bytes."""
    (entry,) = yaml.safe_load((FOLDER / "filebeat.yml").read_text("utf-8"))["filebeat.inputs"]
    manifest = yaml.safe_load((FOLDER / PACKAGE / "data_stream/audit/manifest.yml").read_text("utf-8"))
    (paths,) = [one["default"] for one in manifest["streams"][0]["vars"] if one["name"] == "paths"]
    assert entry["paths"] == paths == ["/var/log/gatetrail/audit.jsonl", "/var/log/gatetrail/audit.jsonl.1"]
    length = entry["prospector.scanner.fingerprint.length"]
    template = (FOLDER / PACKAGE / "data_stream/audit/agent/stream/filestream.yml.hbs").read_text("utf-8")
    assert f"\nprospector.scanner.fingerprint.length: {length}\n" in template
    lines = [line for name in (CORPUS, EVERY_KIND) for line in name.read_bytes().splitlines()]
    assert length < min(len(line) for line in lines)
    assert len({line[:length] for line in lines}) == len(set(lines))


def test_every_file_that_the_page_links_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (FOLDER / target).exists(), target

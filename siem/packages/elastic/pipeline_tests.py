"""Events and what the pipeline makes of them, as Elastic's integration packages hold their pipelines to.

The expectations are what our own reading of Elasticsearch makes of the pipeline (`siem.proof.ingest`): no Elasticsearch
ran, and alone they would prove nothing. What they are held to is the product's own format `ecs`, which is other code
over the same events, and the event's own keys and types.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson

from siem.files import Files
from siem.golden import golden
from siem.packages.elastic.names import PIPELINE
from siem.packages.elastic.pipeline import package_pipeline
from siem.packages.elastic.text import json_text
from siem.places import CORPUS, EVERY_KIND
from siem.proof.ingest.document import Document
from siem.proof.ingest.processors import run

KEEP = "preserve_original_event"
NOW = "2026-11-23T12:00:00.000Z"
"""What `_ingest.timestamp` is here."""
MOST_OF_CORPUS = 40


def after_pipeline(document: Mapping[str, Any], pipeline: Mapping[str, Any] | None = None) -> Document:
    """A copy of the document behind the package's pipeline, or another one."""
    changed = Document(copy.deepcopy(dict(document)), ingest={"timestamp": NOW, "pipeline": PIPELINE})
    run(pipeline or _of_package(), changed)
    return changed


@cache
def _of_package() -> Mapping[str, Any]:
    """Made once: it asks the product about every kind of event."""
    return package_pipeline()


def pipeline_tests() -> Files:
    """By name in the folder `_dev/test/pipeline`."""
    events = [orjson.loads(line) for line in EVERY_KIND.read_bytes().splitlines()]
    lines = [line.decode() for line in EVERY_KIND.read_bytes().splitlines()]
    return {
        "test-every-kind.json": json_text({"events": events}),
        "test-every-kind.json-expected.json": _expected(events),
        "test-every-kind-lines.log": ("\n".join(lines) + "\n").encode(),
        "test-every-kind-lines.log-config.yml": f"fields:\n  tags:\n    - {KEEP}\n".encode(),
        "test-every-kind-lines.log-expected.json": _expected([{"message": line, "tags": [KEEP]} for line in lines]),
        "test-corpus.json": json_text({"events": corpus_cut()}),
        "test-corpus.json-expected.json": _expected(corpus_cut()),
    }


def corpus_cut() -> Sequence[Mapping[str, Any]]:
    """The first event that each rule finds, in the corpus' order."""
    wanted = {min(found.matches) for found in golden().values() if found.matches}
    events = [orjson.loads(line) for line in CORPUS.read_bytes().splitlines()]
    return [event for event in events if event["event_id"] in wanted][:MOST_OF_CORPUS]


BROKEN: Sequence[Mapping[str, Any]] = (
    {"@timestamp": NOW, "message": '{"event_name": "tool_call.decided", "schema_ver'},
    {
        "@timestamp": NOW,
        "event": {"dataset": "other"},
        "message": "<110>1 2026-11-23T12:00:00Z host - - no JSON",
    },
    {"@timestamp": NOW, "message": '{"event": "started", "error": "no", "tags": "a", "user": "b", "@timestamp": 7}'},
    {"@timestamp": NOW, "message": '{"event_name": "tool_call.decided", "schema_version": "2.0", "event": "c"}'},
    {"@timestamp": NOW, "message": '{"event_name": "a", "event_name": "b", "schema_version": "1.0"}'},
    {"@timestamp": NOW, "event_name": "tool_call.decided", "schema_version": "2.0", "decision": "allow"},
)
"""What is no event of ours, or not whole: it must be kept, and say so. No test of the package: `elastic-package` takes
what has an `error.message` for a fault of the pipeline."""


def _expected(documents: Sequence[Mapping[str, Any]]) -> bytes:
    return json_text({"expected": [after_pipeline(document).source for document in documents]})

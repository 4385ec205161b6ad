"""Queries and keys in what is installed in a product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import yaml

from siem.places import SAMPLES
from siem.proof.lint.dialect import Dialect, Source
from siem.proof.lint.documents import named, texts
from siem.proof.lint.made import ADD_ON, made_by_pipeline

_STANZA = re.compile(r"^\[(?P<name>.*)\]$")
_TOKEN = re.compile(r"\$\w+\|s\$")
"""What Splunk puts in quotes; its stroke begins no command."""
_LOGS = re.compile(r'logs\("(?P<search>(?:[^"\\]|\\.)*)"\)')
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
KIBANA = {"kuery": Dialect.KUERY, "lucene": Dialect.LUCENE, "eql": Dialect.EQL, "esql": Dialect.ESQL}


def package_sources() -> Iterator[Source]:
    """Product by product."""
    for read in (_splunk, _datadog, _sumo, _elastic, _sentinel, _grafana):
        yield from (source for source in read() if source.text.strip())


def _splunk() -> Iterator[Source]:
    for name, setting in (("savedsearches", r"search"), ("eventtypes", r"search")):
        for place, text in _settings(name, setting):
            yield Source(place, Dialect.SPL, text)
    for place, text in _settings("props", r"EVAL-\w+"):
        yield Source(place, Dialect.SPL, f"| eval x = {text}")
    for path in sorted((ADD_ON / "data" / "ui" / "views").glob("*.xml")):
        for number, one in enumerate(ET.parse(path).iter("query")):  # noqa: S314 -- our own file
            text = _TOKEN.sub('"*"', one.text or "")
            yield Source(f"{_place(path)}, query {number + 1}", Dialect.SPL, text)


def _settings(name: str, setting: str) -> Iterator[tuple[str, str]]:
    """The settings of this name in one file of the add-on, with the place."""
    path = ADD_ON / f"{name}.conf"
    stanza = ""
    text = path.read_text("utf-8").replace("\\\n", " ") if path.is_file() else ""
    for line in text.splitlines():
        if match := _STANZA.match(line):
            stanza = match["name"]
        elif match := re.match(rf"({setting})\s*=\s*(.*)$", line):
            yield f"{_place(path)} [{stanza}] {match[1]}", match[2]


def _datadog() -> Iterator[Source]:
    for path in sorted((SAMPLES / "datadog" / "monitors").glob("*.json")):
        yield from _monitor(_place(path), _document(path)["query"])
    for name in ("pipeline.json", "dashboard.json", "assets/logs/gatetrail.yaml"):
        path = SAMPLES / "datadog" / name
        document = _document(path)
        for text in texts(document, "query"):
            yield Source(_place(path), Dialect.DATADOG, re.sub(r"\$\w+(\.value)?", "", text).strip())
        keys = [*texts(document, "facet", "prefix", "metric", "path"), *texts(document, "sources")]
        yield Source(_place(path), Dialect.NAMES, _native(key for key in keys if not key.startswith("$")))


def _monitor(where: str, query: str) -> Iterator[Source]:
    """`logs("search").index(…).rollup("cardinality", "@key").by("@key,@key")…`."""
    match = _LOGS.match(query)
    assert match is not None, f"{where}: no monitor of logs: {query}"
    yield Source(where, Dialect.DATADOG, re.sub(r"\\(.)", r"\1", match["search"]))
    words = (word.strip() for text in _TEXT.findall(query[match.end() :]) for word in text.split(","))
    yield Source(where, Dialect.NAMES, _native(word for word in words if word.startswith("@")))


def _native(keys: Iterator[str]) -> str:
    """Keys of the event; those that the pipeline makes are left out."""
    return " ".join(key for one in keys if (key := _plain(one)) not in made_by_pipeline())


def _plain(key: str) -> str:
    return key if key == "@timestamp" else key.removeprefix("@")


def _sumo() -> Iterator[Source]:
    for path in sorted((SAMPLES / "sumo").glob("*.json")):
        document = _document(path)
        for number, text in enumerate(texts(document, "query", "queryText", "queryString")):
            yield Source(f"{_place(path)}, query {number + 1}", Dialect.SUMO, text)
        for text in texts(document, "parseExpression"):
            yield Source(_place(path), Dialect.SUMO, f"_sourceCategory=x | {text}")


def _elastic() -> Iterator[Source]:
    for path in sorted((SAMPLES / "elastic" / "kibana").glob("*.ndjson")):
        for line in path.read_bytes().splitlines():
            saved: Any = orjson.loads(line)
            place = f"{_place(path)}, {saved.get('name') or saved.get('id')}"
            yield from _kibana(place, saved)
            yield Source(place, Dialect.NAMES, " ".join(_asked_of_kibana(saved)))


def _kibana(place: str, saved: Any) -> Iterator[Source]:
    """Queries that stand beside the name of their language; some are JSON within JSON."""
    for _, found in named(saved, frozenset({"language"})):
        if isinstance(found.get("query"), str) and found["language"] in KIBANA:
            yield Source(place, KIBANA[found["language"]], found["query"])
    for text in texts(saved, "searchSourceJSON", "panelsJSON"):
        yield from _kibana(place, orjson.loads(text))
    for _, found in named(saved, frozenset({"esql"})):
        if isinstance(found["esql"], str):
            yield Source(place, Dialect.ESQL, found["esql"])


def _asked_of_kibana(saved: Any) -> Iterator[str]:
    """Keys by name; names with a dot are of the Elastic Common Schema."""
    asked = texts(
        saved, "new_terms_fields", "group_by", "field_names", "columns", "field", "sourceField", "timeFieldName"
    )
    yield from (name for name in asked if "." not in name and not name.startswith("_"))
    for text in texts(saved, "panelsJSON"):
        panels = texts(orjson.loads(text), "sourceField", "columns")
        yield from (name for name in panels if "." not in name and not name.startswith("___"))


def _sentinel() -> Iterator[Source]:
    for path in sorted((SAMPLES / "sentinel" / "analytic-rules").glob("*.yaml")):
        yield Source(_place(path), Dialect.KUSTO, _document(path)["query"])


def _grafana() -> Iterator[Source]:
    for path in sorted((SAMPLES / "grafana").rglob("*.json")) + sorted((SAMPLES / "grafana").rglob("*.yaml")):
        document = _document(path)
        for number, text in enumerate(texts(document, "rawSql")):
            yield Source(f"{_place(path)}, query {number + 1}", Dialect.SQL, text)
        for number, text in enumerate(texts(document, "expr")):
            yield Source(f"{_place(path)}, query {number + 1}", Dialect.LOGQL, text)


def _document(path: Path) -> Any:
    text = path.read_text("utf-8")
    return orjson.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def _place(path: Path) -> str:
    return path.relative_to(SAMPLES).as_posix()

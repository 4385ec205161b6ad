"""Queries and keys in what is installed in a product."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from siem.proof.lint.dialect import Dialect, Source
from siem.proof.lint.made import ADD_ON

_STANZA = re.compile(r"^\[(?P<name>.*)\]$")


def package_sources() -> Iterator[Source]:
    """Product by product."""
    yield from _splunk()


def _splunk() -> Iterator[Source]:
    for name, setting in (("savedsearches", r"search"), ("eventtypes", r"search")):
        for place, text in _settings(name, setting):
            yield Source(place, Dialect.SPL, text)
    for place, text in _settings("props", r"EVAL-\w+"):
        yield Source(place, Dialect.SPL, f"| eval x = {text}")
    for path in sorted((ADD_ON / "data" / "ui" / "views").glob("*.xml")):
        for number, one in enumerate(ET.parse(path).iter("query")):  # noqa: S314 -- our own file
            yield Source(f"splunk/TA-gatetrail/{path.name}, query {number + 1}", Dialect.SPL, one.text or "")


def _settings(name: str, setting: str) -> Iterator[tuple[str, str]]:
    """The settings of this name in one file of the add-on, with the place."""
    path = ADD_ON / f"{name}.conf"
    stanza = ""
    text = path.read_text("utf-8").replace("\\\n", " ") if path.is_file() else ""
    for line in text.splitlines():
        if match := _STANZA.match(line):
            stanza = match["name"]
        elif match := re.match(rf"({setting})\s*=\s*(.*)$", line):
            yield f"splunk/TA-gatetrail/{name}.conf [{stanza}] {match[1]}", match[2]

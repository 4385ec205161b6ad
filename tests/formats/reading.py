"""Readers of CEF and LEEF, written from the formats' descriptions and not from our writers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True)
class Read:
    """A line taken apart."""

    header: list[str]
    fields: dict[str, str]


_CEF_KEY = re.compile(r"(?:^| )([A-Za-z0-9]+)=")
_CEF_ESCAPES = {"\\": "\\", "=": "=", "n": "\n", "r": "\r"}


def read_cef(line: str) -> Read:
    """Header fields and extension; raises when a key comes twice or an escape is none of CEF's."""
    assert line.startswith("CEF:0|")
    header: list[str] = []
    position = len("CEF:0|")
    for _ in range(6):
        field, position = _until_bar(line, position)
        header.append(field)
    fields: dict[str, str] = {}
    extension = line[position:]
    found = [one for one in _CEF_KEY.finditer(extension) if not _is_escaped(extension, one.end() - 1)]
    for index, one in enumerate(found):
        end = found[index + 1].start() if index + 1 < len(found) else len(extension)
        assert one[1] not in fields, f"{one[1]} comes twice"
        fields[one[1]] = _unescaped(extension[one.end() : end])
    return Read(header, fields)


def _until_bar(line: str, position: int) -> tuple[str, int]:
    text = ""
    while line[position] != "|":
        if line[position] == "\\":
            position += 1
            assert line[position] in "\\|"
        text += line[position]
        position += 1
    return text, position + 1


def _is_escaped(text: str, position: int) -> bool:
    backslashes = 0
    while position > backslashes and text[position - backslashes - 1] == "\\":
        backslashes += 1
    return backslashes % 2 == 1


def _unescaped(value: str) -> str:
    text, position = "", 0
    while position < len(value):
        if value[position] == "\\":
            position += 1
            text += _CEF_ESCAPES[value[position]]
        else:
            assert value[position] != "="
            text += value[position]
        position += 1
    return text


def read_leef(line: str) -> Read:
    """Header fields and attributes, parted by the delimiter that the header names."""
    version, *header, rest = line.split("|", 6)
    assert version == "LEEF:2.0"
    delimiter = header.pop()
    assert re.fullmatch("x[0-9a-f]{2}", delimiter)
    fields: dict[str, str] = {}
    for attribute in rest.split(chr(int(delimiter[1:], 16))):
        key, _, value = attribute.partition("=")
        assert re.fullmatch("[A-Za-z0-9]+", key)
        assert key not in fields, f"{key} comes twice"
        fields[key] = value
    return Read(header, fields)


def written(value: object) -> str:
    """A value that is no text as the JSON that it is told as."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def leaves(value: object) -> list[object]:
    """All values of a JSON text that hold no others."""
    if isinstance(value, dict):
        return [leaf for one in cast("dict[str, object]", value).values() for leaf in leaves(one)]
    if isinstance(value, list):
        return [leaf for one in cast("list[object]", value) for leaf in leaves(one)]
    return [value]


UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def spelled_out(text: str, besides: str = "") -> str:
    r"""What a reader is to see of a text: unseen characters as `\u001b`, but for those that the format can escape."""
    return UNSEEN.sub(lambda one: one[0] if one[0] in besides else f"\\u{ord(one[0]):04x}", text)

"""Generated texts: the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import yaml


def json_text(value: Any) -> bytes:
    """Readable, with sorted keys."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def json_lines(values: Sequence[Any]) -> bytes:
    """One value a line, with sorted keys: what Kibana imports."""
    return b"".join(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for value in values)


def compact(value: Any) -> str:
    """JSON that stands as a text within other JSON."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def yaml_text(value: Any) -> bytes:
    """In the order that the value has."""
    text: str = yaml.safe_dump(value, sort_keys=False, width=120, allow_unicode=True)
    return f"---\n{text}".encode()

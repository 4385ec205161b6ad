"""What a pipeline works on: the source as nested objects, and the metadata beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, cast

METADATA = frozenset(("_id", "_index"))
"""Fields that are no part of the source."""

_TEMPLATE = re.compile(r"\{\{\{([^{}]+)\}\}\}")


class NotKnown(NotImplementedError):
    """The pipeline uses something that this reading of Elasticsearch does not have."""


class Failed(Exception):
    """A processor cannot do its work with this document; the message is its own."""


@dataclass(slots=True)
class Document:
    """Changed in place by processors."""

    source: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    ingest: dict[str, Any] = field(default_factory=dict[str, Any])
    """What templates read as `_ingest`: the time, and what failed."""

    def get(self, path: str) -> Any:
        """The value, or None where nothing is."""
        if path in METADATA:
            return self.metadata.get(path)
        place: Any = {"_ingest": self.ingest, **self.source} if path.startswith("_ingest.") else self.source
        for part in path.split("."):
            place = _object(place).get(part)
        return place

    def put(self, path: str, value: Any) -> None:
        """Makes the objects on the way. Raises `Failed` where one of them is something else."""
        if path in METADATA:
            self.metadata[path] = value
            return
        *parts, last = path.split(".")
        place = self.source
        for part in parts:
            below: Any = place.setdefault(part, {})
            if not isinstance(below, dict):
                raise Failed(f"cannot set [{last}] with parent object of another type as part of path [{path}]")
            place = cast("dict[str, Any]", below)
        place[last] = value

    def drop(self, path: str) -> bool:
        """Whether it was there."""
        *parts, last = path.split(".")
        place = self.source
        for part in parts:
            place = _object(place.get(part))
        return place.pop(last, self) is not self

    def filled(self, template: Any) -> Any:
        """A template with its `{{{fields}}}`, which are written without any escape; lists of templates as well."""
        if isinstance(template, list):
            return [self.filled(one) for one in cast("list[object]", template)]
        if not isinstance(template, str):
            return template
        text = _TEMPLATE.sub(lambda found: self._text(found[1]), template)
        if "{{" in text and "{{" in template.replace("{{{", ""):
            raise NotKnown(f"template {template!r}")
        return text

    def _text(self, path: str) -> str:
        value = self.get(path)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise NotKnown(f"{path} in a template is no text")
        return value


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        raise NotKnown("a path through a list")
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

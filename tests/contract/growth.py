"""What a new schema takes away from those who rely on the old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

Schema = Mapping[str, Any]

_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_ALTERNATIVES = ("anyOf", "oneOf")
_SAID_ELSEWHERE = {
    *("$ref", "type", "enum", "const", "properties", "required", "additionalProperties", "items", "discriminator"),
    *(*_UPPER, *_LOWER, *_ALTERNATIVES),
}
_TELLS_NOTHING = {"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default", "deprecated"}


class Direction(StrEnum):
    """Who relies on a schema."""

    OUTPUT = "we write, others read"
    """New keys, new kinds and new values of closed lists are growth that a reader lets be."""
    INPUT = "others write, we read"
    """Whatever was valid stays valid."""


def breaking_changes(old: Schema, new: Schema, direction: Direction) -> list[str]:
    """Each change that breaks somebody, in one line with its place; empty when `new` only grew.

    Sees the keywords that pydantic writes. Any other keyword must not change, but for those with `x-`, which
    validate nothing; one too many in the narrower of the two is no change that breaks. Schemas that hold
    themselves are not followed to the end.
    """
    return list(_Comparison(old, new, direction).between("", old, new))


@dataclass(frozen=True, slots=True)
class _Comparison:
    old_root: Schema
    new_root: Schema
    direction: Direction

    def between(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        old, new = _resolved(old, self.old_root), _resolved(new, self.new_root)
        if "discriminator" in old and "discriminator" in new:
            yield from self._kinds(at, old, new)
        elif len(_branches(old)) + len(_branches(new)) > 2:
            yield from self._branches(at, old, new)
        else:
            yield from self._same_place(at, _branches(old)[0], _branches(new)[0])

    def _same_place(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        old, new = _resolved(old, self.old_root), _resolved(new, self.new_root)
        if types := list(self._types(at, old, new)):
            yield from types
            return
        yield from self._values(at, old, new)
        yield from self._bounds(at, old, new)
        yield from self._keys(at, old, new)
        yield from self._free_keys(at, old, new)
        yield from self._items(at, old, new)
        yield from self._others(at, old, new)

    def _narrow_wide(self, old: Any, new: Any) -> tuple[Any, Any]:
        """The one whose values must all be among those of the other."""
        return (new, old) if self.direction is Direction.OUTPUT else (old, new)

    def _kinds(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old["discriminator"]["mapping"], new["discriminator"]["mapping"]
        for name, reference in before.items():
            if name in after:
                yield from self.between(f"{at}/{name}", {"$ref": reference}, {"$ref": after[name]})
            else:
                yield f"{at}/{name}: is gone"

    def _branches(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        olds, news = _branches(old), _branches(new)
        narrow, wide = self._narrow_wide(olds, news)
        for one in narrow:
            tried = [
                list(self._same_place(at, other, one) if narrow is news else self._same_place(at, one, other))
                for other in wide
            ]
            yield from min(tried, key=len)
        if self.direction is Direction.OUTPUT:
            lost = _types(old, self.old_root) - _types(new, self.new_root)
            yield from (f"{at}: was {name} at times, is never now" for name in sorted(lost))

    def _types(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = _types(old, self.old_root), _types(new, self.new_root)
        if self.direction is Direction.INPUT:
            same = not after or (bool(before) and before <= after | ({"integer"} if "number" in after else set()))
        else:
            same = before == after
        if not same:
            yield f"{at}: type {_listed(before)} became {_listed(after)}"

    def _values(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = _values(old), _values(new)
        if before is not None and after is not None:
            yield from (f"{at}: value {value!r} is gone" for value in before if value not in after)
        elif before is None and after is not None and self.direction is Direction.INPUT:
            yield f"{at}: takes only {_listed(after)} now"
        elif before is not None and after is None and self.direction is Direction.OUTPUT:
            yield f"{at}: the closed list {_listed(before)} became open"

    def _bounds(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        narrow, wide = self._narrow_wide(old, new)
        for word in (*_UPPER, *_LOWER):
            limit, held = wide.get(word), narrow.get(word)
            if limit is not None and (held is None or (held > limit if word in _UPPER else held < limit)):
                yield f"{at}: {word} {old.get(word, 'none')} became {new.get(word, 'none')}"

    def _keys(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        yield from (f"{at}/{key}: is gone" for key in before if key not in after)
        for key in before:
            if key in after:
                yield from self.between(f"{at}/{key}", before[key], after[key])
        narrow, wide = self._narrow_wide(old, new)
        words = "may be missing now" if self.direction is Direction.OUTPUT else "is required now"
        for key in wide.get("required", ()):
            if key not in narrow.get("required", ()):
                yield f"{at}/{key}: {words}"

    def _free_keys(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if self.direction is Direction.INPUT:
            added = new.get("properties", {}).keys() - old.get("properties", {}).keys()
            yield from (f"{at}/{key}: was free, is checked now" for key in sorted(added) if before is not False)
        narrow, wide = self._narrow_wide(before, after)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self.between(f"{at}/*", cast("Schema", before), cast("Schema", after))
        elif wide not in (True, {}) and narrow is not False and (wide or self.direction is Direction.INPUT):
            yield f"{at}/*: other keys than those named are told apart otherwise than before"

    def _items(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        narrow, wide = self._narrow_wide(old, new)
        if "items" in old and "items" in new:
            yield from self.between(f"{at}[]", old["items"], new["items"])
        elif "items" in wide and "items" not in narrow:
            yield f"{at}[]: entries of any kind became entries of one kind, or the other way round"

    def _others(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        narrow, wide = self._narrow_wide(old, new)
        for word in sorted(wide.keys() - _SAID_ELSEWHERE - _TELLS_NOTHING):
            if not word.startswith("x-") and narrow.get(word) != wide[word]:
                yield f"{at}: {word} {old.get(word, 'none')} became {new.get(word, 'none')}"


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**root["$defs"][schema["$ref"].rpartition("/")[2]], **beside}
    return schema


def _branches(schema: Schema) -> Sequence[Schema]:
    for word in _ALTERNATIVES:
        if word in schema:
            beside = {key: value for key, value in schema.items() if key != word}
            return [{**beside, **branch} for branch in schema[word]]
    return [schema]


def _types(schema: Schema, root: Schema) -> set[str]:
    """The types that a schema takes; empty for all."""
    found: set[str] = set()
    for branch in _branches(schema):
        told = _resolved(branch, root).get("type")
        if told is None:
            return set()
        found |= {told} if isinstance(told, str) else set(told)
    return found


def _values(schema: Schema) -> Sequence[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _listed(words: Any) -> str:
    return " or ".join(sorted(str(word) for word in words)) or "anything"

"""The arguments of a call as a short JSON text, redacted before it is cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from gatetrail.call import CUT_MARK, clean
from gatetrail.redaction.finder import MARGIN_BYTES, Finder
from gatetrail.redaction.marks import Marks
from gatetrail.redaction.names import NameTest
from gatetrail.redaction.places import NOWHERE, Place
from gatetrail.words import Action

MAX_DEPTH = 24
"""What lies deeper is not shown."""

MAX_INNER_CHARACTERS = 16_384
"""A longer text is not looked into as JSON."""

MAX_LABELLED_KEYS = 12

_LABELS = ("name", "key", "header", "field", "variable", "Name", "Key")
_VALUES = frozenset({"value", "values", "val", "content", "data", "default", "text"})
"""In `{"name": "password", "value": "..."}` one is named by the other."""

_JSON_BEGINS = frozenset("{[")
_LEAST_INT, _MOST_INT = -(1 << 63), (1 << 64) - 1
_LEFT_OUT = object()
_BESIDE_TEXT_BYTES = 1
"""A number has a comma behind it; whatever else there is has more around it."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What one policy does to arguments."""

    finder: Finder
    marks: Marks
    is_secret_name: NameTest
    secret_name_action: Action
    value_action: Action
    """What is done to every value that nothing else is said about."""


def preview(arguments: Mapping[str, Any], place: Place, treatment: Treatment, max_bytes: int) -> str:
    """At most so many bytes as counted in JSON, with a mark at the end where it was cut.

    Takes no longer for large arguments than for those that fill it. Where `drop` is said a key is left out.
    Values that JSON does not know are told by their type alone.
    """
    quick = _Walk(treatment, max_bytes, quick=True)
    shown = quick.mapping(arguments, place, 0)
    if not quick.is_quiet():
        careful = _Walk(treatment, max_bytes, quick=False)
        shown, quick = careful.mapping(arguments, place, 0), careful
    text = orjson.dumps(shown).decode()
    return clean(text + CUT_MARK if quick.room_bytes < 0 else text, max_bytes)


class _Walk:
    """One copy of the arguments. A quick walk leaves texts as they are and remembers them, to be looked at together."""

    def __init__(self, treatment: Treatment, max_bytes: int, *, quick: bool) -> None:
        self._treatment = treatment
        self._max_bytes = max_bytes
        self._quick = quick
        self._texts: list[str] = []
        self.room_bytes = max_bytes

    def is_quiet(self) -> bool:
        """True when there is nothing in the texts of a quick walk that would be redacted."""
        return self._treatment.finder.is_quiet(self._texts)

    def mapping(self, value: Mapping[Any, Any], place: Place, depth: int) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        is_labelled = self._is_labelled(value)
        for key, inner in value.items():
            if self.room_bytes < 0:
                break
            name = _name_of(key)
            told = self._named(name, inner, place.below(name), depth + 1, is_labelled=is_labelled)
            if told is not _LEFT_OUT:
                shown[self._text(name)] = told
        return shown

    def _is_labelled(self, value: Mapping[Any, Any]) -> bool:
        """True for a mapping that gives a name and, beside it, the value."""
        if len(value) > MAX_LABELLED_KEYS:
            return False
        return any(self._is_secret_name(value.get(label)) for label in _LABELS)

    def _is_secret_name(self, value: Any) -> bool:
        return isinstance(value, str) and self._treatment.is_secret_name(value)

    def _named(self, name: str, value: Any, place: Place, depth: int, *, is_labelled: bool) -> Any:
        is_secret = self._treatment.is_secret_name(name) or (is_labelled and name.casefold() in _VALUES)
        return self._secret(value) if is_secret and _holds(value, place) else self._value(value, place, depth)

    def _secret(self, value: Any) -> Any:
        return self._treated(value, self._treatment.secret_name_action, "secret_name")

    def _items(self, values: Iterable[Any], place: Place, depth: int) -> list[Any]:
        shown: list[Any] = []
        before: Any = None
        for index, inner in enumerate(values):
            if self.room_bytes < 0:
                break
            told = self._item(before, inner, place.below(index), depth)
            before = inner
            if told is not _LEFT_OUT:
                shown.append(told)
        return shown

    def _item(self, before: Any, value: Any, place: Place, depth: int) -> Any:
        # An option of a command line: its value is the next item.
        if isinstance(before, str) and before.startswith("-") and "=" not in before and _holds(value, place):
            if self._treatment.is_secret_name(before):
                return self._secret(value)
        elif place.action is None and isinstance(value, list | tuple):
            pair = cast("Sequence[Any]", value)
            if self._is_pair(pair):
                return [self._text(pair[0]), *(told for told in [self._secret(pair[1])] if told is not _LEFT_OUT)]
        return self._value(value, place, depth)

    def _is_pair(self, value: Sequence[Any]) -> bool:
        """True for a name and a value, one of a list of such."""
        return len(value) == len(("name", "value")) and self._is_secret_name(value[0]) and _holds(value[1], NOWHERE)

    def _value(self, value: Any, place: Place, depth: int) -> Any:
        if place.action is Action.KEEP:
            return self._kept(value)
        if place.action is not None:
            return self._treated(value, place.action)
        if isinstance(value, Mapping | list | tuple):
            return self._container(value, place, depth)
        if self._treatment.value_action is not Action.KEEP and value is not None:
            return self._treated(value, self._treatment.value_action)
        if isinstance(value, str) and value[:64].lstrip()[:1] in _JSON_BEGINS and len(value) <= MAX_INNER_CHARACTERS:
            return self._inner(value, place, depth)
        return self._scalar(value)

    def _inner(self, text: str, place: Place, depth: int) -> Any:
        """A text that is JSON: as it is, unless something in it has to be treated by its name."""
        try:
            value = orjson.loads(text)
        except ValueError:
            return self._scalar(text)
        room_bytes = self.room_bytes
        told = self._container(value, place, depth)
        if told != value:
            return orjson.dumps(told).decode()
        self.room_bytes = room_bytes
        return self._scalar(text)

    def _container(self, value: Any, place: Place, depth: int) -> Any:
        if depth >= MAX_DEPTH:
            return self._counted(CUT_MARK)
        self.room_bytes -= len("[]")
        if isinstance(value, list | tuple):
            return self._items(cast("Sequence[Any]", value), place, depth + 1)
        return self.mapping(value, place, depth)

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, bool):
            self.room_bytes -= _BESIDE_TEXT_BYTES
            return value
        if isinstance(value, int | float):
            return self._number(value)
        return self._counted(f"<{type(value).__name__}>")

    def _number(self, value: float) -> Any:
        # An int of more than 64 bits is none to orjson, and one of more than 4,300 digits none to str().
        if isinstance(value, int) and not _LEAST_INT <= value <= _MOST_INT:
            return self._counted("<int>")
        text = str(value)
        told = self._text(text)
        return value if told == text else told

    def _text(self, text: str) -> str:
        if self._quick:
            # More than has room is looked at: what is shown must not be the beginning of a secret.
            self._texts.append(text[: self._max_bytes + MARGIN_BYTES])
            told = text[: self._max_bytes + 1]
        else:
            told = self._treatment.finder.redacted(text, self._max_bytes)
        return self._counted(told)

    def _counted(self, text: str) -> str:
        self.room_bytes -= len(text) + _BESIDE_TEXT_BYTES
        return text.encode("utf-8", "replace").decode()

    def _kept(self, value: Any) -> Any:
        text = _json(value)
        if len(text) > self._max_bytes:
            return self._counted(text[: self._max_bytes + 1].decode("utf-8", "ignore"))
        self.room_bytes -= len(text)
        return orjson.loads(text)

    def _treated(self, value: Any, action: Action, label: str | None = None) -> Any:
        self.room_bytes -= _BESIDE_TEXT_BYTES
        if action is Action.DROP:
            return _LEFT_OUT
        if action is Action.MASK:
            return self._counted(self._treatment.marks.of("", action, label))
        text = value if isinstance(value, str) else _json(value).decode()
        return self._counted(self._treatment.marks.of(text, action, label))


def _holds(value: Any, place: Place) -> bool:
    """True for what can be a secret, where no rule has spoken."""
    return place.action is None and value is not None and not isinstance(value, bool)


def _name_of(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    return key if isinstance(key, str) else _json(key).decode()


def _json(value: Any) -> bytes:
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(value, option=options, default=_type_name)
    except orjson.JSONEncodeError:
        return orjson.dumps(_type_name(value))


def _type_name(value: object) -> str:
    return f"<{type(value).__name__}>"

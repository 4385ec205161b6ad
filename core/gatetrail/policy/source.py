"""The policy file's text as plain data in which every value knows its line.

Built from the parser's events and not from its objects: duplicate keys stay visible, depth is bounded
(deep nesting crashes the C composer), and an alias costs as much as what it stands for. Unquoted words
are read as YAML 1.2 does: `no` and `on` are text, only `true` and `false` are truth values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gatetrail.call import clean
from gatetrail.errors import PolicyProblem

MAX_DEPTH = 32
MAX_ALIASED_VALUES = 10_000
MAX_NUMBER_CHARACTERS = 40

Location = tuple[str | int, ...]
"""Where a value stands: keys and positions from the top of the file."""

Value = str | int | float | bool | None | list[Any] | dict[str, Any]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_CONTROL = yaml.reader.Reader.NON_PRINTABLE
_WHOLE = re.compile(r"[-+]?[0-9]+")
_FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_KNOWN_TAGS = (None, "!", *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")))


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says. With problems, `data` is what could be read in spite of them."""

    data: Value
    lines: Mapping[Location, int]
    problems: tuple[PolicyProblem, ...]

    def line_of(self, location: Location) -> int:
        """The line of a value, or of the nearest part around it; 0 when nothing can be named."""
        while location not in self.lines and location:
            location = location[:-1]
        return self.lines.get(location, 0)


def read_source(text: str) -> Source:
    """Never raises: what is wrong with the text is in `problems`."""
    builder = _Builder(text)
    if control := _CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        builder.complain(line, f"not YAML: holds the control character {control.group()!a}")
        return Source(None, {}, tuple(builder.problems))
    try:
        data = builder.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        builder.complain(mark.line + 1 if mark else 0, f"not YAML: {error.problem or error}")
        data = None
    except _TooMuchError as error:
        builder.complain(error.line, str(error))
        data = None
    return Source(data, builder.lines, tuple(builder.problems))


def text_of(location: Location) -> str:
    """`servers.finance.tools["a.b"].tier`, `blocklist[3].id`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[\w*?-]+", part):
            text += f".{part}"
        else:
            text += f'["{part}"]'
    return text.removeprefix(".")


class _TooMuchError(Exception):
    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


class _Builder:
    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self.lines: dict[Location, int] = {}
        self.problems: list[PolicyProblem] = []
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._values = 0
        self._aliased = 0

    def complain(self, line: int, message: str, location: Location = ()) -> None:
        self.problems.append(PolicyProblem(line, text_of(location), message))

    def document(self) -> Value:
        data: Value = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _TooMuchError(_line(event), "a second document starts here; a policy file holds one")
                data = self._value(next(self._events), ())
        return data

    def _value(self, event: Any, location: Location) -> Value:
        line = _line(event)
        self.lines.setdefault(location, line)
        if len(location) > MAX_DEPTH:
            raise _TooMuchError(line, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        before = self._values
        self._values += 1
        value = self._content(event, location, line)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._values - before)
        return value

    def _alias(self, event: Any, line: int) -> Value:
        if event.anchor not in self._anchors:
            raise _TooMuchError(line, f"nothing above is named &{event.anchor}")
        value, size = self._anchors[event.anchor]
        self._aliased += size
        self._values += size
        if self._aliased > MAX_ALIASED_VALUES:
            raise _TooMuchError(line, f"aliases stand for more than {MAX_ALIASED_VALUES:,} values; write them out")
        return value

    def _content(self, event: Any, location: Location, line: int) -> Value:
        if event.tag not in _KNOWN_TAGS:
            message = f"the tag {clean(event.tag, 80)} has no meaning here; remove it"
            self.complain(line, message, location)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(location)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(location)
        return self._scalar(event, location, line)

    def _sequence(self, location: Location) -> Value:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*location, len(items))))
        return items

    def _mapping(self, location: Location) -> Value:
        entries: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, line = self._key(event, location), _line(event)
            following = next(self._events)
            place = (*location, key or "")
            if key in entries:
                self.complain(line, f"stands here twice, first on line {self.lines[place]}", place)
            is_scalar = isinstance(following, yaml.ScalarEvent)
            self.lines.setdefault(place, _line(following) if is_scalar else line)
            value = self._value(following, place)
            if key is not None:
                entries[key] = value
        return entries

    def _key(self, event: Any, location: Location) -> str | None:
        key = self._value(event, (*location, ""))
        self.lines.pop((*location, ""), None)
        if isinstance(key, str) and key != "<<":
            return key
        merge = key == "<<"
        wrong = "merge keys are not supported; write the keys out" if merge else _not_text(key)
        self.complain(_line(event), wrong, location)
        return None

    def _scalar(self, event: Any, location: Location, line: int) -> Value:
        text: str = event.value
        if not event.implicit[0]:
            return self._checked(text, location, line)
        if text in _WORDS:
            return _WORDS[text]
        if len(text) <= MAX_NUMBER_CHARACTERS and _WHOLE.fullmatch(text):
            return int(text)
        if len(text) <= MAX_NUMBER_CHARACTERS and _FRACTION.fullmatch(text):
            number = float(text)
            return number if number - number == 0 else text
        return self._checked(text, location, line)

    def _checked(self, text: str, location: Location, line: int) -> str:
        if not text.isascii() and text.encode("utf-8", "replace").decode() != text:
            self.complain(line, "holds half a character (a lone surrogate)", location)
            return ""
        return text


def _not_text(key: Value) -> str:
    shown = str(key).lower() if isinstance(key, bool) else str(key)
    return f"keys are text; put quotes around {shown[:80]}"


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1

"""Finding probes among the values of a call's arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, cast
from urllib.parse import unquote

from gatetrail.call import Call
from gatetrail.gates.paths import climbs_hidden, readings
from gatetrail.gates.probe import PathList
from gatetrail.gates.probe_shapes import GUARDED_FILES, HINTS, PATH_HINT, SHAPES, WRAPPED, may_be_path
from gatetrail.policy.argument_path import Steps, onward, parse_path
from gatetrail.policy.expressions import compile_expression, joined_expressions
from gatetrail.policy.globs import compile_glob
from gatetrail.policy.scanner import ArgumentProbes, ProbeExemption
from gatetrail.policy.tricks import without_tricks

MIN_CHARACTERS, MAX_CHARACTERS = 4, 512
"""Of a value. A probe is short; a longer text is one that speaks of something."""
MAX_VALUES = 1_000
"""So many values of a call are looked at: this gate recognises who probes, the blocklist is what nothing gets past."""
MAX_REMEMBERED = 8_192

_EVERYWHERE: Steps = ()
_JOINED = {rule_id: "|".join(shapes) for rule_id, shapes in SHAPES.items()}
_SHAPES = {rule_id: compile_expression(rf"(?i)\A(?:{shape})\z", capture=False) for rule_id, shape in _JOINED.items()}
_ANY = tuple(joined_expressions([rf"(?i)\A(?:{shape})\z" for shape in _JOINED.values()]))
_HINT = compile_expression(f"(?i){'|'.join((*HINTS, PATH_HINT))}", capture=False)
_PATH_HINT = compile_expression(f"(?i){PATH_HINT}", capture=False)
_PATHS = PathList(GUARDED_FILES)


class ArgumentFinder:
    """The built-in probes, apart from where a policy exempts."""

    def __init__(self, policy: ArgumentProbes) -> None:
        self._enabled = policy.enabled
        exemptions = [(_Names(one), _EVERYWHERE if one.path is None else parse_path(one.path)) for one in policy.exempt]

        def exempt(server_name: str, tool_name: str) -> tuple[Steps, ...]:
            server, tool = server_name.casefold(), tool_name.casefold()
            return tuple(path for names, path in exemptions if names.fit(server, tool))

        self._exempt = lru_cache(MAX_REMEMBERED)(exempt) if exemptions else None

    def find(self, call: Call) -> str | None:
        """What kind of probe a value is, the first one that there is; None when no value is one."""
        if not self._enabled:
            return None
        exempt = self._exempt(call.server_name, call.tool_name) if self._exempt else ()
        if _EVERYWHERE in exempt:
            return None
        texts = short_texts(call.arguments, exempt) if exempt else all_short_texts(call.arguments)
        joined = "\x00".join(texts)
        if not joined.isascii() and _may_trick(joined):
            texts += [without_tricks(text) for text in texts if _may_trick(text)]
            joined = "\x00".join(texts)
        if "%" in joined:
            joined = "\x00".join(texts + [unquote(text) for text in texts if "%" in text])
        return _found(f"\x00{joined}".encode("utf-8", "replace"))


class _Names:
    def __init__(self, exemption: ProbeExemption) -> None:
        self._globs = tuple(tuple(map(compile_glob, globs)) for globs in (exemption.servers, exemption.tools))

    def fit(self, server: str, tool: str) -> bool:
        return all(
            not globs or any(glob.fullmatch(name) for glob in globs)
            for globs, name in zip(self._globs, (server, tool), strict=True)
        )


def all_short_texts(arguments: Mapping[str, Any]) -> list[str]:
    """The texts among the values that are neither too short nor too long to be a probe; keys are none.

    Arguments are what JSON makes of them: other types of values are no probes. The nearest `MAX_VALUES` are looked at.
    """
    texts: list[str] = []
    reached: list[object] = [*islice(arguments.values(), MAX_VALUES)]
    for value in reached:
        kind = type(value)
        if kind is str:
            if MIN_CHARACTERS <= len(text := cast("str", value)) <= MAX_CHARACTERS:
                texts.append(text)
        elif kind is dict:
            reached.extend(islice(cast("dict[str, Any]", value).values(), MAX_VALUES - len(reached)))
        elif kind is list:
            reached.extend(islice(cast("list[Any]", value), MAX_VALUES - len(reached)))
    return texts


def short_texts(arguments: Mapping[str, Any], exempt: tuple[Steps, ...]) -> list[str]:
    """The same apart from what stands at these places and below them."""
    texts: list[str] = []
    reached: list[tuple[object, tuple[Steps, ...]]] = [(arguments, exempt)]
    for value, ways in reached:
        kind = type(value)
        if kind is str:
            if MIN_CHARACTERS <= len(text := cast("str", value)) <= MAX_CHARACTERS:
                texts.append(text)
        elif kind is dict or kind is list:
            reached += _below(cast("dict[str, Any] | list[Any]", value), ways, MAX_VALUES - len(reached))
    return texts


def _below(
    value: dict[str, Any] | list[Any], ways: tuple[Steps, ...], count: int
) -> Iterator[tuple[object, tuple[Steps, ...]]]:
    keyed: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in islice(keyed, count):
        further = tuple(dict.fromkeys(steps for way in ways for steps in onward(way, key)))
        if _EVERYWHERE not in further:
            yield item, further


def _may_trick(text: str) -> bool:
    """Whether something may be another way to write ASCII, or unseen; of Latin-1 only a hyphen and a space are."""
    try:
        latin = text.encode("latin-1")
    except UnicodeEncodeError:
        return True
    return b"\xad" in latin or b"\xa0" in latin


def _found(texts: bytes) -> str | None:
    """Of texts with a NUL before each. Only one with a hint is looked at closely, and most calls have none."""
    hint = _HINT.search(texts)
    while hint is not None:
        begin = texts.rfind(b"\x00", 0, hint.start() + 1) + 1
        end = texts.find(b"\x00", max(begin, hint.start() + 1))
        end = len(texts) if end < 0 else end
        text = texts[begin:end]
        if rule_id := _shape_of(text) or _path_probe(text):
            return rule_id
        hint = _HINT.search(texts, end)
    return None


def _shape_of(text: bytes) -> str | None:
    for shape in _ANY:
        if shape.search(text) is not None:
            return next((rule_id for rule_id, shape in _SHAPES.items() if shape.search(text) is not None), None)
    return None


def _path_probe(encoded: bytes) -> str | None:
    """A whole value that is a path by which only a probe goes where it leads."""
    if _PATH_HINT.search(encoded) is None:
        return None
    text = encoded.decode("utf-8", "replace")
    if not may_be_path(text):
        return None
    if climbs_hidden(text):
        return "path_traversal"
    is_odd = ".." in text or "%" in text or text[:5].casefold() == "file:" or not text.isascii()
    guarded = next(filter(None, map(_PATHS.find, readings(text))), None)
    if guarded is None:
        return None
    if is_odd:
        return "path_traversal"
    return "credential_file" if guarded in WRAPPED else None

"""Finding probes among the values of a call's arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
LAST_PLAIN = "\u02ff"
"""Up to here no character is another way to write one of ASCII but the soft hyphen, which nobody sees."""

_EVERYWHERE: Steps = ()
_JOINED = {rule_id: "|".join(shapes) for rule_id, shapes in SHAPES.items()}
_SHAPES = {rule_id: compile_expression(rf"(?i)\A(?:{shape})\z", capture=False) for rule_id, shape in _JOINED.items()}
_ANY = tuple(joined_expressions([rf"(?i)\A(?:{shape})\z" for shape in _JOINED.values()]))
_HINT = compile_expression(f"(?i){'|'.join(HINTS)}", capture=False)
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
        texts = short_texts(call.arguments, exempt)
        joined = "\x00".join(texts)
        if not joined.isascii():
            texts += [without_tricks(text) for text in texts if max(text) > LAST_PLAIN or "\xad" in text]
        if "%" in joined:
            texts += [unquote(text) for text in texts if "%" in text]
        return _found(texts)


class _Names:
    def __init__(self, exemption: ProbeExemption) -> None:
        self._globs = tuple(tuple(map(compile_glob, globs)) for globs in (exemption.servers, exemption.tools))

    def fit(self, server: str, tool: str) -> bool:
        return all(
            not globs or any(glob.fullmatch(name) for glob in globs)
            for globs, name in zip(self._globs, (server, tool), strict=True)
        )


def short_texts(arguments: Mapping[str, Any], exempt: tuple[Steps, ...]) -> list[str]:
    """The texts among the values that are neither too short nor too long to be a probe; keys are none.

    Arguments are what JSON makes of them: other types of values are no probes.
    """
    texts: list[str] = []
    waiting: list[tuple[object, tuple[Steps, ...]]] = [(arguments, exempt)]
    left = MAX_VALUES
    while waiting and left > 0:
        value, ways = waiting.pop()
        left -= 1
        kind = type(value)
        if kind is str:
            text = cast("str", value)
            if MIN_CHARACTERS <= len(text) <= MAX_CHARACTERS:
                texts.append(text)
        elif kind is dict or kind is list:
            waiting += _below(cast("dict[str, Any] | list[Any]", value), ways, left)
    return texts


def _below(
    value: dict[str, Any] | list[Any], ways: tuple[Steps, ...], count: int
) -> Iterable[tuple[object, tuple[Steps, ...]]]:
    if not ways:
        return [(item, ()) for item in islice(value.values() if isinstance(value, dict) else value, count)]
    keyed: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[object, tuple[Steps, ...]]] = []
    for key, item in islice(keyed, count):
        further = tuple(dict.fromkeys(steps for way in ways for steps in onward(way, key)))
        if _EVERYWHERE not in further:
            found.append((item, further))
    return found


def _found(texts: Sequence[str]) -> str | None:
    joined = "\x00".join(texts).encode("utf-8", "replace")
    hint = _HINT.search(joined)
    while hint is not None:
        begin, end = joined.rfind(b"\x00", 0, hint.start()) + 1, joined.find(b"\x00", hint.start())
        end = len(joined) if end < 0 else end
        if rule_id := _shape_of(joined[begin:end]):
            return rule_id
        hint = _HINT.search(joined, end)
    if _PATH_HINT.search(joined) is None:
        return None
    return next(filter(None, map(_path_probe, texts)), None)


def _shape_of(text: bytes) -> str | None:
    if not any(shape.search(text) is not None for shape in _ANY):
        return None
    return next((rule_id for rule_id, shape in _SHAPES.items() if shape.search(text) is not None), None)


def _path_probe(text: str) -> str | None:
    """A whole value that is a path by which only a probe goes where it leads."""
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

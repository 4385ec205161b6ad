"""Finding probes among the values of a call's arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast
from urllib.parse import unquote

from gatetrail.call import Call
from gatetrail.gates.paths import climbs_hidden, readings
from gatetrail.gates.probe import PathList
from gatetrail.gates.probe_shapes import GUARDED_FILES, SHAPES, WRAPPED, may_be_path
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
_ANY = tuple(joined_expressions([rf"(?i)(?:\A|\x00)(?:{shape})(?:\x00|\z)" for shape in _JOINED.values()]))
_MARKS = compile_expression(
    r"""(?i)['"`;|&$#{}<(%\\]|\.\.|//|/\.|/(?:etc|proc)/|[0-9]\)*\s+(?:or|and|union|having|order|group)\s""",
    capture=False,
)
"""No probe is without one of these."""
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
        if _MARKS.search(joined.encode("utf-8", "replace")) is None and joined.isascii():
            return None
        return _found(texts, joined)


class _Names:
    def __init__(self, exemption: ProbeExemption) -> None:
        self._globs = tuple(tuple(map(compile_glob, globs)) for globs in (exemption.servers, exemption.tools))

    def fit(self, server: str, tool: str) -> bool:
        return all(
            not globs or any(glob.fullmatch(name) for glob in globs)
            for globs, name in zip(self._globs, (server, tool), strict=True)
        )


def short_texts(arguments: Mapping[str, Any], exempt: tuple[Steps, ...]) -> list[str]:
    """The texts among the values that are neither too short nor too long to be a probe; keys are none."""
    texts: list[str] = []
    waiting: list[tuple[object, tuple[Steps, ...]]] = [(arguments, exempt)]
    left = MAX_VALUES
    while waiting and left > 0:
        value, ways = waiting.pop()
        left -= 1
        if isinstance(value, str):
            if MIN_CHARACTERS <= len(value) <= MAX_CHARACTERS:
                texts.append(value)
        elif isinstance(value, Mapping):
            keyed = cast("Mapping[str | int, Any]", value).items()
            waiting += _below(keyed, ways) if ways else [(item, ()) for _, item in _first(keyed, left)]
        elif isinstance(value, list | tuple):
            items = cast("Sequence[Any]", value)[:left]
            waiting += _below(enumerate(items), ways) if ways else [(item, ()) for item in items]
    return texts


def _first(keyed: Iterable[tuple[str | int, Any]], count: int) -> Iterable[tuple[str | int, Any]]:
    return (pair for pair, _ in zip(keyed, range(count), strict=False))


def _below(
    keyed: Iterable[tuple[str | int, Any]], ways: tuple[Steps, ...]
) -> Iterable[tuple[object, tuple[Steps, ...]]]:
    for key, item in _first(keyed, MAX_VALUES):
        further = tuple(dict.fromkeys(steps for way in ways for steps in onward(way, key)))
        if _EVERYWHERE not in further:
            yield item, further


def _found(texts: Sequence[str], joined: str) -> str | None:
    if not joined.isascii():
        texts = [*texts, *(without_tricks(text) for text in texts if not text.isascii())]
    if "%" in joined:
        texts = [*texts, *(unquote(text) for text in texts if "%" in text)]
    content = "\x00".join(texts).encode("utf-8", "replace")
    if any(shape.search(content) is not None for shape in _ANY):
        for text in texts:
            encoded = text.encode("utf-8", "replace")
            if rule_id := next((name for name, shape in _SHAPES.items() if shape.search(encoded) is not None), None):
                return rule_id
    return next(filter(None, map(_path_probe, texts)), None)


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

"""One event of each name that there is, made from the models, with all keys that it may have."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from gatetrail.events.fields import Record
from gatetrail.events.model import Event
from gatetrail.events.wire import GENESIS_HASH, seal
from siem.corpus.telling import SPECIAL, VALUES

MODELS: tuple[type[Record], ...] = get_args(get_args(Event)[0])
CHAIN_ID = "019caf3c-0000-7000-8000-0000000000ee"
SEALED = frozenset({"seq", "chain_id", "prev_hash", "event_hash"})
"""Keys that the journal sets."""


def every_kind() -> bytes:
    """`every-kind.jsonl`: by name, as a journal has them."""
    lines: list[bytes] = []
    prev_hash = GENESIS_HASH
    for number, (name, model) in enumerate(sorted(_names()), 1):
        sealed = seal(_event(model, name, number), number, CHAIN_ID, prev_hash)
        lines.append(sealed.line + b"\n")
        prev_hash = sealed.event_hash
    return b"".join(lines)


def _names() -> Iterator[tuple[str, type[Record]]]:
    for model in MODELS:
        for name in get_args(model.model_fields["event_name"].annotation):
            yield name, model


def _event(model: type[Record], name: str, number: int) -> Record:
    hints = get_type_hints(model, include_extras=True)
    keys = {
        field.alias or key: _value(field.alias or key, hints[key], number)
        for key, field in model.model_fields.items()
        if key not in SEALED
    }
    return model.model_validate({**keys, **SPECIAL.get(name, {}), "event_name": name})


def _value(key: str, hint: Any, number: int) -> Any:
    """The first closed value, or what is told for the key. Raises KeyError for a key that nothing is told for."""
    match key:
        case "@timestamp":
            return f"2026-03-02T09:{number:02d}:00.{number:06d}Z"
        case "event_id":
            return f"019cadc6-a{number:03x}-7000-8000-{number:012x}"
        case _:
            return VALUES[key] if key in VALUES else _closed(hint)


def _closed(hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _closed(arguments[0])
    if origin in {Union, UnionType}:
        return _closed(next(one for one in arguments if one is not NoneType))
    if origin is Literal:
        return arguments[0]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint)).value
    raise KeyError(f"nothing is told for a key of {hint}")

"""What each key of an event may tell: public, sensitive or secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gatetrail.words import Sensitivity

SCHEMA_KEY = "x-gatetrail-class"
"""The class as it stands beside each key in the JSON Schemas."""


@dataclass(frozen=True, slots=True)
class Classed:
    """In a text's type: its class. Numbers and words of closed lists are public by what they are."""

    sensitivity: Sensitivity


PUBLIC = Classed(Sensitivity.PUBLIC)
SENSITIVE = Classed(Sensitivity.SENSITIVE)
"""No key is secret: there is none that a secret belongs in."""


@cache
def classes_of(kind: type[BaseModel]) -> Mapping[str, Sensitivity]:
    """The class of each key, by its name in JSON. Raises TypeError for a text whose type names none."""
    return {field.alias or name: _class_of(name, field) for name, field in kind.model_fields.items()}


def add_classes(schema: dict[str, Any], kind: type[BaseModel]) -> None:
    """Write the classes into a kind's JSON Schema."""
    for name, sensitivity in classes_of(kind).items():
        schema["properties"][name][SCHEMA_KEY] = sensitivity.value


def sensitive_keys(kinds: Iterable[type[BaseModel]]) -> frozenset[str]:
    """The keys that are sensitive in any of these events."""
    return frozenset(
        name for kind in kinds for name, found in classes_of(kind).items() if found is not Sensitivity.PUBLIC
    )


def _class_of(name: str, field: FieldInfo) -> Sensitivity:
    marks = [part.sensitivity for part in field.metadata if isinstance(part, Classed)]
    found = set(marks or _classes_in(field.annotation))
    if len(found) != 1 or None in found:
        raise TypeError(f"the type of {name} names no class, or several")
    return next(one for one in found if one is not None)


def _classes_in(kind: Any) -> Iterator[Sensitivity | None]:
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *extras = get_args(kind)
        marks = [part.sensitivity for part in extras if isinstance(part, Classed)]
        yield from marks or _classes_in(inner)
    elif origin in (Union, UnionType, tuple):
        for part in get_args(kind):
            if part not in (NoneType, ...):
                yield from _classes_in(part)
    elif origin is Literal or (isinstance(kind, type) and issubclass(kind, Enum | int | float)):
        yield Sensitivity.PUBLIC
    else:
        yield None

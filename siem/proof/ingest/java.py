"""What Painless' values can be asked: Java's own methods and sums, as far as scripts of ours use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from siem.proof.ingest.document import Failed, NotKnown

LONG = 2**63


class Math:
    """Java's, as far as it is used."""

    @staticmethod
    def rint(value: float) -> float:
        """The nearest whole number, the even one of two, as Java's; Python's `round` is the same."""
        return float(round(value))


def instance_of(value: Any, name: str) -> bool:
    """Whether a value that came from JSON is a `String`, `Map`, `Double` or `Float`; JSON never becomes the last."""
    kinds: Mapping[str, type | tuple[()]] = {"String": str, "Map": dict, "Double": float, "Float": ()}
    if name not in kinds:
        raise NotKnown(f"instanceof {name}")
    return isinstance(value, kinds[name])


def new(name: str) -> Any:
    """A new object of a class."""
    made: Mapping[str, Callable[[], Any]] = {"ArrayList": list[Any], "HashMap": dict[str, Any]}
    if name not in made:
        raise NotKnown(f"new {name}")
    return made[name]()


def equal(one: Any, other: Any) -> bool:
    """As `==` of two `def`: by value, also of numbers of two kinds; a boolean is no number."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def field_of(value: Any, name: str) -> Any:
    """A key of a map; null where it is not there."""
    if value is None:
        raise Failed(f"cannot access [{name}] of null")
    if not isinstance(value, dict):
        raise NotKnown(f"property {name} of {type(value).__name__}")
    return cast("dict[str, Any]", value).get(name)


def called(value: Any, name: str, arguments: Sequence[Any]) -> Any:
    """What a method gives."""
    if value is None:
        raise Failed(f"cannot call [{name}] on null")
    if value is Math and name == "rint":
        return Math.rint(*arguments)
    if isinstance(value, str):
        return _of_text(value, name, arguments)
    if isinstance(value, list):
        return _of_list(cast("list[object]", value), name, arguments)
    if isinstance(value, dict):
        return _of_map(cast("dict[str, object]", value), name, arguments)
    raise NotKnown(f"method {name} of {type(value).__name__}")


def times(one: Any, other: Any) -> Any:
    """A product; of whole numbers a long."""
    if isinstance(one, bool) or not isinstance(one, int | float):
        raise Failed(f"{one!r} is no number")
    return one * other if isinstance(one, float) or isinstance(other, float) else as_long(one * other)


def as_long(value: int) -> int:
    """The same, as long as a long holds it."""
    if not -LONG <= value < LONG:
        raise NotKnown(f"{value} is more than a long holds")
    return value


def _of_text(text: str, name: str, arguments: Sequence[Any]) -> Any:
    match name, arguments:
        case "length", []:
            return len(text.encode("utf-16-le")) // 2
        case "startsWith", [str() as start]:
            return text.startswith(start)
        case _:
            raise NotKnown(f"method {name} of a text")


def _of_list(values: list[object], name: str, arguments: Sequence[Any]) -> Any:
    match name, arguments:
        case "contains", [value]:
            return value in values
        case "isEmpty", []:
            return not values
        case "add", [value]:
            return values.append(value)
        case "addAll", [more]:
            return values.extend(more)
        case _:
            raise NotKnown(f"method {name} of a list")


def _of_map(values: dict[str, object], name: str, arguments: Sequence[Any]) -> Any:
    match name, arguments:
        case "remove", [str() as key]:
            return values.pop(key, None)
        case "putAll", [more]:
            return values.update(cast("dict[str, object]", more))
        case _:
            raise NotKnown(f"method {name} of a map")

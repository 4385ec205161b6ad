"""Keys as fields of a flat format, one each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from gatetrail.formats.texts import as_text


def fields(
    keys: Mapping[str, object], known: Mapping[str, str], custom: Callable[[str], str], written: Callable[[str], str]
) -> Iterator[str]:
    """Each key's name, up to and with its equals sign, and its value.

    `known` has the beginnings of keys that the format has a field for, which hold texts (ValueError otherwise),
    `custom` makes those of all others, whose values may be anything; `written` makes a text harmless.
    """
    for key, value in keys.items():
        beginning = known.get(key)
        if isinstance(value, str):
            text = value
        elif beginning is None:
            text = as_text(value)
        else:
            raise ValueError(f"its key {key} is no text")
        yield (beginning or custom(key)) + written(text)

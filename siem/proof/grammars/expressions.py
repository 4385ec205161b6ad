"""Expressions of languages of pipes: which names they use, which functions, and what is compared with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from siem.proof.grammars.pieces import Broken, Piece, Sort
from siem.proof.grammars.reading import Compared

EQUALS = {"=", "==", "!=", "in"}
_JOINING = {"and", "or", "not", "xor", "in", "like", "matches", "between", "true", "false", "null"}


@dataclass(slots=True)
class Uses:
    """What was seen so far."""

    names: list[Piece] = field(default_factory=list[Piece])
    compared: set[Compared] = field(default_factory=set[Compared])


def use(found: Sequence[Piece], functions: frozenset[str], uses: Uses) -> None:
    """Look through one expression. Raises `Broken` for a function that is not among those known."""
    for index, piece in enumerate(found):
        following = found[index + 1].text if index + 1 < len(found) else ""
        if piece.sort is Sort.WORD and following == "(" and piece.low not in _JOINING:
            if piece.low not in functions:
                raise Broken(f"no function that this reader knows: {piece.text}")
        elif _is_name(piece):
            uses.names.append(piece)
            _compare(found, index, uses)


def _is_name(piece: Piece) -> bool:
    return piece.sort is Sort.QUOTED or (piece.sort is Sort.WORD and piece.low not in _JOINING)


def _compare(found: Sequence[Piece], index: int, uses: Uses) -> None:
    """`name = constant` and `name in (constants)`; also `in(name, constants)`."""
    name = found[index].name
    following = [piece.low for piece in found[index + 1 : index + 3]]
    if following[:1] and following[0] in EQUALS - {"in"}:
        uses.compared |= _constants(name, found[index + 2 : index + 3])
    elif following == ["in", "("]:
        uses.compared |= _constants(name, _until_closed(found[index + 3 :]))
    elif [piece.low for piece in found[max(index - 2, 0) : index]] == ["in", "("]:
        uses.compared |= _constants(name, _until_closed(found[index + 1 :]))


def _until_closed(found: Sequence[Piece]) -> Sequence[Piece]:
    end = next((index for index, piece in enumerate(found) if piece.text == ")"), len(found))
    return found[:end]


def _constants(name: str, found: Sequence[Piece]) -> set[Compared]:
    words = [piece.constant for piece in found]
    return {Compared(name, word) for word in words if word is not None and "*" not in str(word)}

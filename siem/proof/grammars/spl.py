"""Splunk's SPL, for which no grammar is to be had: brackets and quotes, known commands and functions, and fields.

A field counts as there when an event has it, when Splunk or the add-on makes it, or when a command before has made it.
That is no parser: what passes here may still be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from siem.proof.grammars.expressions import Uses, use
from siem.proof.grammars.pieces import Broken, Piece, Sort, pieces, place, segments
from siem.proof.grammars.reading import Compared, Reading
from siem.proof.grammars.spl_commands import AGGREGATION, ALWAYS, COMMANDS, EVALUATION, Command, Does
from siem.schema import Kind, keys

_WITHIN_SEARCH = {"and", "or", "not", "in"}
_SETS = {"=", "!=", "<", ">", "<=", ">=", "=="}
_LISTS = {f"{key.name}{{}}" for key in keys().values() if key.kind is Kind.TEXTS}
"""As automatic extraction names the elements of an array."""
_TIMES = {"earliest", "latest", "_index_earliest", "_index_latest"}


def read(text: str, more: frozenset[str] = frozenset()) -> Reading:
    """What can be said of a search; `more` are fields that the add-on makes of those of the event."""
    reader = _Reader(text, more)
    try:
        reader.pipe(pieces(text))
    except Broken as problem:
        reader.problems.append(str(problem))
    return Reading(tuple(reader.problems), frozenset(reader.asked), frozenset(reader.compared))


class _Reader:
    def __init__(self, text: str, more: frozenset[str]) -> None:
        self.problems: list[str] = []
        self.asked: set[str] = set()
        self.compared: set[Compared] = set()
        self._text = text
        self._made = set(ALWAYS | more)
        self._there = {*ALWAYS, *more, *keys(), *_LISTS}
        self._readers: Mapping[Does, Callable[[Command, list[Piece]], None]] = {
            Does.SEARCH: lambda _, found: self._search(found),
            Does.EXPRESSION: lambda _, found: self._use(found, EVALUATION),
            Does.ASSIGN: lambda _, found: self._assign(found),
            Does.AGGREGATE: self._aggregate,
            Does.ADD_AGGREGATE: self._add_aggregate,
            Does.FIELDS: self._fields,
            Does.KEEP: self._keep,
            Does.RENAME: lambda _, found: self._rename(found),
            Does.LOOKUP: self._lookup,
            Does.OPAQUE: lambda _command, _found: None,
        }

    def pipe(self, found: list[Piece]) -> None:
        """Commands in their order; the first one may go without its name when it searches."""
        for index, segment in enumerate(segments(found)):
            if not segment and index == 0:
                continue
            self._command(index, self._without_subsearches(segment))

    def _command(self, index: int, segment: list[Piece]) -> None:
        named = (
            bool(segment)
            and segment[0].low in COMMANDS
            and not (index == 0 and segment[1:2] and segment[1].text == "=")
        )
        if index == 0 and not named:
            self._search(segment)
            return
        if not named:
            raise Broken(f"no command that this reader knows: {segment[0].text if segment else 'nothing'}")
        command = COMMANDS[segment[0].low]
        self._readers[command.does](command, self._without_options(command, segment[1:]))
        self._make(command.adds)

    def _without_subsearches(self, segment: list[Piece]) -> list[Piece]:
        """A subsearch begins anew, and what it makes is there afterwards."""
        depth, outside, inside = 0, list[Piece](), list[Piece]()
        for piece in segment:
            depth -= piece.text == "]"
            (inside if depth else outside).append(piece)
            depth += piece.text == "["
        if inside:
            sub = _Reader(self._text, frozenset(self._made))
            sub.pipe(inside)
            self.problems += sub.problems
            self.asked |= sub.asked
            self.compared |= sub.compared
            self._make(sub._made)
        return [piece for piece in outside if piece.text not in {"[", "]"}]

    def _without_options(self, command: Command, found: Sequence[Piece]) -> list[Piece]:
        kept: list[Piece] = []
        for index, piece in enumerate(found):
            set_here = found[index + 1].text if index + 1 < len(found) else ""
            is_option = set_here == "=" and piece.low in command.options
            is_value = index >= 2 and found[index - 1].text == "=" and found[index - 2].low in command.options  # noqa: PLR2004
            is_sign = piece.text == "=" and index > 0 and found[index - 1].low in command.options
            if not (is_option or is_value or is_sign):
                kept.append(piece)
        return kept

    def _search(self, found: Sequence[Piece]) -> None:
        uses = Uses()
        index = 0
        while index < len(found):
            piece, after = found[index], found[index + 1 : index + 2]
            if piece.sort in {Sort.WORD, Sort.QUOTED} and after and (after[0].text in _SETS or after[0].low == "in"):
                index = self._term(found, index, uses)
            elif piece.sort is Sort.WORD and piece.low not in _WITHIN_SEARCH:
                raise Broken(f"{place(self._text, piece.at)}: a word without a field: {piece.text}")
            else:
                index += 1
        self._note(uses)

    def _term(self, found: Sequence[Piece], index: int, uses: Uses) -> int:
        """`field=value`, `field IN (values)`; gives where the next term begins."""
        if found[index + 1].low == "in":
            end = next(at for at in range(index, len(found)) if found[at].text == ")") + 1
            use([_as_text(piece, number > 1) for number, piece in enumerate(found[index:end])], EVALUATION, uses)
            return end
        end = _behind_value(found, index + 2)
        if found[index].low not in _TIMES:
            use([*found[index : index + 2], _glued(found[index + 2 : end])], EVALUATION, uses)
        return end

    def _assign(self, found: Sequence[Piece]) -> None:
        for part in _split(found):
            if len(part) < 3 or part[1].text != "=":  # noqa: PLR2004
                raise Broken(f"{place(self._text, found[0].at)}: name = expression is wanted")
            self._use(part[2:], EVALUATION)
            self._make({part[0].name})

    def _aggregate(self, _command: Command, found: list[Piece]) -> None:
        made, grouped = self._aggregated(found)
        self._there = made | grouped
        self._made = {name for name in self._there if name in self._made or name in made}

    def _add_aggregate(self, _command: Command, found: list[Piece]) -> None:
        self._make(self._aggregated(found)[0])

    def _aggregated(self, found: list[Piece]) -> tuple[set[str], set[str]]:
        """What it makes, and what it groups by."""
        by = next((at for at, piece in enumerate(found) if piece.low in {"by", "over"}), len(found))
        grouped = [piece for piece in found[by + 1 :] if piece.low not in {"by", "over", ","}]
        made: set[str] = set()
        kept: list[Piece] = []
        for at, piece in enumerate(found[:by]):
            if at and found[at - 1].low == "as":
                made.add(piece.constant if isinstance(piece.constant, str) else piece.name)
            elif piece.low != "as" and not (piece.low in AGGREGATION and (at + 1 == by or found[at + 1].text != "(")):
                kept.append(piece)
            elif piece.low in AGGREGATION:
                made.add(piece.low)
        self._use(kept, AGGREGATION | EVALUATION)
        self._use(grouped, frozenset())
        return made, {piece.name for piece in grouped}

    def _fields(self, _command: Command, found: list[Piece]) -> None:
        self._use([piece for piece in found if piece.low not in {"as", "sortby", "startswith", "endswith"}], EVALUATION)

    def _keep(self, command: Command, found: list[Piece]) -> None:
        self._use(found, frozenset())
        if not (found and found[0].text == "-"):
            self._there = {piece.name for piece in found if piece.sort in {Sort.WORD, Sort.QUOTED}} | command.adds

    def _rename(self, found: list[Piece]) -> None:
        for part in _split(found):
            if len(part) != 3 or part[1].low != "as":  # noqa: PLR2004
                raise Broken(f"{place(self._text, found[0].at)}: field AS name is wanted")
            self._use(part[:1], frozenset())
            self._there.discard(part[0].name)
            constant = part[2].constant
            self._make({constant if isinstance(constant, str) else part[2].name})

    def _lookup(self, _command: Command, found: list[Piece]) -> None:
        """A table, `its AS ours` to find a row by, OUTPUT and what is taken from it."""
        out = next((at for at, piece in enumerate(found) if piece.low in {"output", "outputnew"}), len(found))
        by = [piece for piece in found[1:out] if piece.text != ","]
        ours = [
            piece
            for at, piece in enumerate(by)
            if piece.low != "as" and not (by[at + 1 : at + 2] and by[at + 1].low == "as")
        ]
        self._use(ours, frozenset())
        self._make({piece.name for piece in found[out + 1 :] if piece.text != "," and piece.low != "as"})

    def _use(self, found: Sequence[Piece], functions: frozenset[str]) -> None:
        uses = Uses()
        use(found, functions, uses)
        self._note(uses)

    def _note(self, uses: Uses) -> None:
        for piece in uses.names:
            if piece.name not in self._there:
                self.problems.append(f"{place(self._text, piece.at)}: no field {piece.name} is there")
            elif piece.name not in self._made:
                self.asked.add(piece.name.removesuffix("{}"))
        self.compared |= {compared for compared in uses.compared if compared.name not in self._made}

    def _make(self, names: set[str] | frozenset[str]) -> None:
        self._there |= names
        self._made |= names


def _behind_value(found: Sequence[Piece], at: int) -> int:
    """A value without quotes goes on as long as nothing stands between its pieces."""
    end = at + 1
    while end < len(found) and found[end].at == found[end - 1].end and found[end].text not in {")", "]", "|"}:
        end += 1
    return end


def _glued(found: Sequence[Piece]) -> Piece:
    text = "".join(piece.text for piece in found)
    return (
        found[0] if len(found) == 1 and found[0].sort is not Sort.WORD else Piece(Sort.TEXT, f'"{text}"', found[0].at)
    )


def _as_text(piece: Piece, is_value: bool) -> Piece:  # noqa: FBT001
    """A value without quotes is a text, too."""
    plain = is_value and piece.sort is Sort.WORD
    return Piece(Sort.TEXT, f'"{piece.text}"', piece.at) if plain else piece


def _split(found: Sequence[Piece]) -> list[list[Piece]]:
    """At the commas outside of brackets."""
    depth, parts = 0, [list[Piece]()]
    for piece in found:
        depth += (piece.text == "(") - (piece.text == ")")
        if piece.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(piece)
    return parts

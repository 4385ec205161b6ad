"""Sumo Logic's search language, for which no grammar is to be had: brackets, quotes, operators, functions, fields.

A field is there when `json` has taken it out of the event, when Sumo itself makes it, or when an operator before has
made it. That is no parser: what passes here may still be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from siem.proof.grammars.expressions import Uses, use
from siem.proof.grammars.pieces import Broken, Piece, Sort, pieces, place, segments
from siem.proof.grammars.reading import Compared, Reading
from siem.schema import keys

AGGREGATION = frozenset(
    """avg count count_distinct count_frequent first last least_recent max median min most_recent pct stddev sum
    values""".split()  # noqa: SIM905 -- words are read more easily
)
FUNCTIONS = AGGREGATION | frozenset(
    """abs acos asin atan atan2 base64decode ceil concat contains cos floor format formatdate haversine if isblank
    isempty isnull ispublicip isprivateip isnumeric length log matches max min now num parsedate pow queryendtime
    querystarttime querytimerange replace round sin sqrt substring tan tolong tolowercase toint todouble todegrees
    toradians tostring touppercase trim urldecode""".split()  # noqa: SIM905
)
"""Of Sumo Logic's reference, "Search Operators", in small letters; Sumo takes them in any."""
ADDING = {"backshift", "diff", "accum", "rollingstd", "smooth", "total", "formatdate"}
"""Operators that add one field, `operator field … as name by groups`."""
METADATA = frozenset(
    {"_sourcecategory", "_source", "_sourcename", "_sourcehost", "_collector", "_index", "_view", "_dataTier".lower()}
)
ALWAYS = frozenset(
    {
        "_raw",
        "_messagetime",
        "_receipttime",
        "_messageid",
        "_sourcecategory",
        "_sourcename",
        "_sourcehost",
        "_collector",
    }
)
_COMMENT = re.compile(r"^//.*$", re.MULTILINE)
_NOISE = {"by", "asc", "desc", "nodrop", "auto", "order", "limit", "top", "row", "column"}


def read(text: str) -> Reading:
    """What can be said of a search."""
    reader = _Reader(text)
    try:
        reader.pipe(pieces(_COMMENT.sub(lambda found: " " * len(found[0]), text)))
    except Broken as problem:
        reader.problems.append(str(problem))
    return Reading(tuple(reader.problems), frozenset(reader.asked), frozenset(reader.compared))


class _Reader:
    def __init__(self, text: str) -> None:
        self.problems: list[str] = []
        self.asked: set[str] = set()
        self.compared: set[Compared] = set()
        self._text = text
        self._there: dict[str, str | None] = dict.fromkeys(ALWAYS)
        """Fields in small letters, as Sumo compares names, with the key of the event that each holds."""
        self._operators: Mapping[str, Callable[[list[Piece]], None]] = {
            "json": self._json,
            "where": self._use,
            "timeslice": self._timeslice,
            "fields": self._fields,
            "sort": self._names,
            "order": self._names,
            "top": self._names,
            "limit": lambda _: None,
            "lookup": self._lookup,
            "dedup": self._names,
            "transpose": self._names,
        }

    def pipe(self, found: list[Piece]) -> None:
        """Operators in their order, after what is searched for."""
        first, *later = segments(found)
        for at, piece in enumerate(first):
            is_field = first[at + 1 : at + 2] and first[at + 1].text == "="
            if is_field and piece.low.lower() not in METADATA:
                self._problem(piece, f"no metadata that this reader knows: {piece.text}")
        for segment in later:
            self._operator(segment)

    def _operator(self, segment: list[Piece]) -> None:
        if not segment:
            raise Broken("nothing between two pipes")
        name = segment[0].low
        follows = segment[1].text if len(segment) > 1 else ""
        if name in self._operators and (name == "where" or follows != "("):
            self._operators[name](segment[1:])
        elif name in AGGREGATION and not (
            name in {"min", "max"} and _top_commas(segment) and "by" not in _lows(segment)
        ):
            self._aggregate(segment)
        elif name in ADDING and follows != "(":
            self._looking_back(name, segment[1:])
        else:
            self._adding(segment)

    def _json(self, found: list[Piece]) -> None:
        """`json field=_raw "key", "key" as name, name nodrop`."""
        lows = _lows(found)
        if lows[:2] == ["field", "="]:
            self._name(found[2])
        paths = [piece for piece in found if piece.sort is Sort.TEXT]
        names = (
            [piece.low for piece in found[lows.index("as") + 1 :] if piece.sort is Sort.WORD] if "as" in lows else []
        )
        names = [name for name in names if name != "nodrop"] or [str(piece.constant) for piece in paths]
        if len(names) != len(paths):
            raise Broken(f"{place(self._text, found[0].at)}: {len(paths)} keys and {len(names)} names")
        for piece, name in zip(paths, names, strict=True):
            key = str(piece.constant)
            self.asked.add(key)
            if key not in keys():
                self._problem(piece, f"no field {key} is there")
            self._there[name.lower()] = key

    def _timeslice(self, _found: list[Piece]) -> None:
        self._there["_timeslice"] = None

    def _fields(self, found: list[Piece]) -> None:
        """Only these are left, or with a minus first, all but these."""
        self._names(found)
        if found and found[0].text != "-":
            named = {piece.low for piece in found}
            self._there = {name: key for name, key in self._there.items() if name in named}

    def _names(self, found: list[Piece]) -> None:
        self._use([piece for piece in found if piece.low not in _NOISE])

    def _lookup(self, found: list[Piece]) -> None:
        """`lookup its as name, … from table on its = ours`."""
        lows = _lows(found)
        if "from" not in lows or "on" not in lows:
            raise Broken(f"{place(self._text, found[0].at)}: lookup … from … on … is wanted")
        on = found[lows.index("on") + 1 :]
        for at, piece in enumerate(on):
            if at and on[at - 1].text == "=":
                self._name(piece)
        taken = found[: lows.index("from")]
        for at, piece in enumerate(taken):
            if piece.text != "," and piece.low != "as" and not (taken[at + 1 : at + 2] and taken[at + 1].low == "as"):
                self._there[piece.low] = None

    def _aggregate(self, segment: list[Piece]) -> None:
        """`function(field) as name, … by fields`; nothing else is left."""
        by = next((at for at, piece in enumerate(segment) if piece.low == "by"), len(segment))
        grouped = [piece for piece in segment[by + 1 :] if piece.text != ","]
        self._use(grouped)
        bare = [piece for at, piece in enumerate(segment[:by]) if not _is_bare(segment, at)]
        made = self._made(bare)
        kept = {piece.low: self._there.get(piece.low) for piece in grouped}
        defaults = {f"_{piece.low}": None for piece in segment[:by] if piece.low in AGGREGATION}
        self._there = {**dict.fromkeys(ALWAYS & {"_timeslice"}), **kept, **defaults, **dict.fromkeys(made)}

    def _adding(self, segment: list[Piece]) -> None:
        """`expression as name`."""
        made = self._made(segment)
        if not made:
            raise Broken(f"{place(self._text, segment[0].at)}: no operator that this reader knows: {segment[0].text}")
        self._there.update(dict.fromkeys(made))

    def _looking_back(self, operator: str, found: list[Piece]) -> None:
        """`field, distance as name by groups`; what has no name has that of the operator."""
        made = self._made([piece for piece in found if piece.low != "by"])
        self._there.update(dict.fromkeys(made or {f"_{operator}"}))

    def _made(self, found: list[Piece]) -> set[str]:
        """The names after `as`; the rest is looked through."""
        names = {piece.low for at, piece in enumerate(found) if at and found[at - 1].low == "as"}
        rest = [piece for at, piece in enumerate(found) if piece.low != "as" and not (at and found[at - 1].low == "as")]
        self._use(rest)
        return names

    def _use(self, found: Sequence[Piece]) -> None:
        uses = Uses()
        use(found, FUNCTIONS, uses)
        for piece in uses.names:
            self._name(piece)
        for one in uses.compared:
            key = self._there.get(one.name.lower())
            self.compared |= {Compared(key, one.word)} if key is not None else set()

    def _name(self, piece: Piece) -> None:
        if piece.name.lower() not in self._there:
            self._problem(piece, f"no field {piece.name} is there")

    def _problem(self, piece: Piece, problem: str) -> None:
        self.problems.append(f"{place(self._text, piece.at)}: {problem}")


def _is_bare(segment: Sequence[Piece], at: int) -> bool:
    """`count` without brackets."""
    return segment[at].low in AGGREGATION and not (segment[at + 1 : at + 2] and segment[at + 1].text == "(")


def _top_commas(segment: Sequence[Piece]) -> bool:
    """Whether brackets hold a comma: then `max(a, b)` is the function of two values."""
    return "," in [piece.text for piece in segment]


def _lows(found: Sequence[Piece]) -> list[str]:
    return [piece.low for piece in found]

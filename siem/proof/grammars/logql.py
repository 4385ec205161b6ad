"""LogQL: parsed by the grammar of Grafana's own editor."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from siem.proof import node
from siem.proof.grammars.reading import Compared, Reading

_SHOWN = {"$__interval": "5m", "$__range": "24h", "$trace_id": "0af7651916cd43dd8448eb211c80319c"}
"""What Grafana puts in place of its variables, for instance."""


def expanded(text: str) -> str:
    """As Grafana sends it. Raises KeyError for a variable that is none of ours."""
    return re.sub(r"\$\w+", lambda variable: _SHOWN[variable[0]], text)


def read(texts: Sequence[str]) -> list[Reading]:
    """What the grammar says of each query; one process answers for all. Raises `NodeAway`.

    A query that chooses streams by another label than `job` has a problem, too.
    """
    return [
        Reading(
            (*one["problems"], *(f"no label of ours: {name}" for name in one["labels"] if name != "job")),
            frozenset(one["names"]),
            frozenset(Compared(name, word) for name, word in one["compared"] if word),
        )
        for one in _answers(texts)
    ]


def stages(text: str) -> Sequence[Mapping[str, Any]]:
    """What lines go through before anything is counted, as `logql.cjs` tells it. Raises `NodeAway`."""
    (answer,) = _answers([text])
    found: Sequence[Mapping[str, Any]] = answer["stages"]
    return found


def _answers(texts: Sequence[str]) -> list[Mapping[str, Any]]:
    answers: list[Mapping[str, Any]] = node.answer("logql.cjs", [expanded(text) for text in texts])
    return answers

"""Which model stands for which `event_name`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import get_args

from gatetrail.events.fields import Record
from gatetrail.events.model import Event


@cache
def event_kinds() -> Mapping[str, type[Record]]:
    """The model of each `event_name`, in the order of the union; one model may stand for several names."""
    kinds: tuple[type[Record], ...] = get_args(get_args(Event)[0])
    return {name: kind for kind in kinds for name in get_args(kind.model_fields["event_name"].annotation)}

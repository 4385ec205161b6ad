"""Every line that is recorded is under 4.5 kB, whatever kind of event it is and whatever is in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import orjson
import pytest
from annotated_types import MaxLen
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gatetrail.call import CUT_MARK, MAX_ID_BYTES, clean
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.events.fields import ID_KEYS, Record
from gatetrail.events.fitting import SHORTEST_BYTES
from gatetrail.events.model import PolicyChanged
from gatetrail.events.spool import Spool
from gatetrail.events.wire import MAX_LINE_BYTES, keys_of
from gatetrail.runtime.schema.kinds import event_kinds
from gatetrail.testing import MemoryJournal
from gatetrail.words import Level
from tests.samples import IDS, make_stamp
from tests.schema_watch import complaints

pytestmark = pytest.mark.anyio

OUR_OWN = {
    **dict.fromkeys(("event_id", "instance_id", "execution_id", "orphaned_instance_id"), IDS.new_id()),
    "timestamp": make_stamp()(Level.INFO, "")["timestamp"],
    "arguments_digest": f"hmac-sha256:{'0' * 64}",
    "checkpoint_hash": "0" * 64,
    "signature": "0" * 88,
    **dict.fromkeys(("policy_version", "previous_policy_version", "product_version"), "0123456789abcdef"),
}
"""What nothing from outside gets into: it has a length of its own."""

CHAIN = frozenset(("seq", "chain_id", "prev_hash", "event_hash"))

nasty = st.text(st.sampled_from('\x01\x1b\x7f"\\\u2028ü€\U0001f600x '), min_size=1, max_size=4)
"""Repeated in a text until it is as long as the model permits. Some of these characters take six bytes in JSON."""


@dataclass(frozen=True)
class Filling:
    """What the texts of an event are made of: of each list a key takes one, the next key the next."""

    units: list[str]
    shares: list[int]
    entries: list[int]

    def value(self, number: int, kind: Any, limit: int = 0) -> Any:
        """As long as such a key permits, or a share of it."""
        arguments = get_args(kind)
        match get_origin(kind):
            case origin if origin is Annotated:
                limits = [mark.max_length for mark in _flat(arguments[1:]) if isinstance(mark, MaxLen)]
                return self.value(number, arguments[0], *limits)
            case origin if origin is tuple:
                count = self.entries[number % len(self.entries)]
                return tuple(self.value(number + entry, arguments[0]) for entry in range(count))
            case origin if origin is Literal:
                return max(arguments, key=len)
            case None if kind is str:
                unit, share = self.units[number % len(self.units)], self.shares[number % len(self.shares)]
                return (unit * limit)[: max(1, limit // share)]
            case None if issubclass(kind, Enum):
                return max((one.value for one in kind), key=len)
            case None:
                return 10**12
            case _:
                return self.value(number, arguments[0], limit)

    def event(self, name: str) -> Record:
        """An event of that name with every key that it may have."""
        kind = event_kinds()[name]
        keys: dict[str, Any] = {"event_name": name, "severity_id": 5}
        for number, (key, field) in enumerate(kind.model_fields.items()):
            if key not in keys and key not in CHAIN:
                mark = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
                keys[key] = OUR_OWN[key] if key in OUR_OWN else self.value(number, mark)
        return kind(**keys)


def _flat(marks: Iterable[Any]) -> Iterator[Any]:
    for mark in marks:
        yield from (mark, *getattr(mark, "metadata", ()))


fillings = st.builds(
    Filling,
    st.lists(nasty, min_size=1, max_size=5),
    st.lists(st.sampled_from((1, 1, 1, 2, 500)), min_size=1, max_size=7),
    st.lists(st.integers(1, 60), min_size=1, max_size=3),
)
LARGEST = Filling(["\x01"], [1], [60])


@pytest.mark.requirement("E5")
@pytest.mark.parametrize("name", event_kinds())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(LARGEST)
@given(fillings)
async def test_every_line_has_room_and_keeps_to_its_schema_and_the_ids_find_each_other(
    tmp_path: Path, name: str, filling: Filling
) -> None:
    event = filling.event(name)
    journal = MemoryJournal(chain_id=IDS.new_id())
    await Ledger(journal, Spool(tmp_path, "unused")).commit(event)
    (entry,) = await journal.read(0, 2)
    assert not [*complaints([entry.line])]
    assert len(entry.line) < MAX_LINE_BYTES
    told, meant = orjson.loads(entry.line), orjson.loads(orjson.dumps(keys_of(event)))
    assert told.keys() == meant.keys() | CHAIN
    for key, value in meant.items():
        if key in ID_KEYS:
            assert told[key] in {value, clean(value, MAX_ID_BYTES)}
        elif told[key] != value:
            assert key not in OUR_OWN
            assert len(orjson.dumps(value)) > SHORTEST_BYTES
            *start, end = told[key]
            assert end == CUT_MARK
            assert "".join(value).startswith("".join(start).removesuffix(CUT_MARK))


async def test_of_a_long_list_the_first_entries_are_told_and_that_there_were_more(tmp_path: Path) -> None:
    changes = tuple(f"servers.finance.tools.tool_{number}.tier: admin became user" for number in range(400))
    event = PolicyChanged(
        **make_stamp()(Level.NOTICE, "policy 1 is in force"), policy_version="1", policy_source="p", changes=changes
    )
    journal = MemoryJournal()
    await Ledger(journal, Spool(tmp_path, "unused")).commit(event)
    (entry,) = await journal.read(0, 2)
    told = orjson.loads(entry.line)
    *first, last = told["changes"]
    assert last == CUT_MARK
    assert tuple(first) == changes[: len(first)]
    assert MAX_LINE_BYTES - 100 < len(entry.line) < MAX_LINE_BYTES
    assert {**keys_of(event), "changes": told["changes"]}.items() <= told.items()

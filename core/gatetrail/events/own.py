"""Events as those see them who may see no others than their own."""

from __future__ import annotations

from dataclasses import replace

import orjson

from gatetrail.events.journal import Entry
from gatetrail.events.wire import canonical

SHADOW_PREFIX = "shadow_"
HASHES = frozenset({"event_hash", "prev_hash"})


def as_owner_sees(entry: Entry) -> Entry:
    """The same event, in canonical form, without what a shadow said and without the hashes of the chain.

    What is only tried may name what is hidden from a caller: who is locked out learns nothing of a tool, but the
    verdict of another policy on the same call would tell. By the hashes one could try which verdict it was; they
    prove something only to who has the events around them.
    """
    keys = orjson.loads(entry.line)
    return replace(entry, line=canonical({key: value for key, value in keys.items() if _is_for_owners(key)}))


def _is_for_owners(key: str) -> bool:
    return key not in HASHES and not key.startswith(SHADOW_PREFIX)

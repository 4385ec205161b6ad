"""What is no secret passes as it is, in every place."""

from __future__ import annotations

from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from gatetrail.call import CUT_MARK
from tests.redaction.test_preview import redactor_of, shown

pytestmark = pytest.mark.requirement("F3")

VALUES = (Path(__file__).parent / "normal_values.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("value", VALUES)
def test_a_normal_value_is_shown_as_it_is(value: str) -> None:
    assert shown({"value": value, "list": [value], "deep": {"value": value}}) == {
        "value": value,
        "list": [value],
        "deep": {"value": value},
    }
    told = redactor_of("{}").texts({"tool_name": value, "user_id": value, "reason": value})
    assert all(text == value or (text or "").endswith(CUT_MARK) for text in told.values())


def test_hardly_any_id_looks_like_something_else() -> None:
    random = Random(7)
    ids = [str(UUID(int=random.getrandbits(128), version=4)) for _ in range(2_000)]
    digests = [f"{random.getrandbits(256):064x}" for _ in range(2_000)]
    numbers = [random.randrange(10**11, 2 * 10**15) for _ in range(2_000)]
    redactor = redactor_of("{}")
    changed = [one for one in (*ids, *digests) if redactor.texts({"session_id": one})["session_id"] != one]
    assert changed == []
    as_cards = [number for number in numbers if redactor.key_of(str(number)) != str(number)]
    assert len(as_cards) < len(numbers) / 200


def test_names_that_only_sound_secret_keep_their_values() -> None:
    arguments = {
        "max_tokens": 4096,
        "token_count": 12,
        "author": "ann",
        "compass": "north",
        "passenger": "lee",
        "design": "plain",
        "pinned": True,
        "primary_key": "id",
        "foreign_key": "customer_id",
        "sort_key": "name",
        "partition_key": "2026",
        "key": "value",
        "keys": ["a", "b"],
        "public_key": "ssh-ed25519 AAAA",
        "name": "ann",
        "columns": ["token", "count"],
        "rows": [["ann", 3], ["bob", 4]],
        "field": {"name": "amount", "value": 5},
        "argv": ["--author", "ann", "--since", "yesterday"],
    }
    assert shown(arguments) == arguments

"""The shipped schemas are those of the models, and the record keeps to them by an independent validator."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from pydantic import SecretStr

from gatetrail import Call, CallDenied, Gatetrail, Ids
from gatetrail.identity.caller import Anonymous
from gatetrail.policy.load import parse_policy
from gatetrail.resources import schemas
from gatetrail.runtime.schema import drifted
from gatetrail.settings import load_settings

POLICY = "servers: {finance: {tier: user, tools: {public: {tier: anonymous}}}}"
FORBIDDEN = {
    *("status", "severity", "time", "timestamp", "event_type", "host", "source", "service", "user"),
    *("server", "client", "event", "agent", "error", "rule", "user_agent"),
}
"""Names that a product downstream takes for its own; see the architecture page."""


def test_the_shipped_schemas_are_those_of_the_models() -> None:
    assert drifted() == []


def test_no_event_has_a_key_that_a_siem_takes_for_its_own() -> None:
    schema = json.loads((schemas() / "v1" / "event.schema.json").read_text("utf-8"))
    for name, kind in schema["$defs"].items():
        assert not FORBIDDEN & set(kind.get("properties", {})), name


@pytest.mark.anyio
@pytest.mark.postgres
@pytest.mark.requirement("E1", "E5", "E6", "F2")
async def test_what_a_process_records_from_opening_to_closing_keeps_to_the_schema(dsn: str, tmp_path: Path) -> None:
    settings = load_settings(
        None,
        data_dir=tmp_path / "data",
        jwt_secret=SecretStr(secrets.token_urlsafe(48)),
        sinks={"file": {"type": "file", "path": str(tmp_path / "events.jsonl")}},
    )
    async with Gatetrail.open(parse_policy(POLICY, "test"), dsn=dsn, settings=settings) as gate:
        async with gate.guard(Call("finance", "public", Ids(secrets.token_hex(16))), Anonymous()):
            pass
        with pytest.raises(CallDenied, match="requires tier user, caller has anonymous"):
            async with gate.guard(Call("finance", "private", Ids(secrets.token_hex(16))), Anonymous()):
                pytest.fail("a denied block ran")
        stored = await gate.journal.read(0, 100)
    schema: dict[str, Any] = json.loads((schemas() / "v1" / "event.schema.json").read_text("utf-8"))
    for entry in stored:
        jsonschema.validate(orjson.loads(entry.line), schema)
    names = [entry.event_name for entry in stored]
    assert {"policy.changed", "audit.heartbeat", "tool_call.decided", "tool_call.completed"} == set(names)
    assert names.count("tool_call.decided") == 2
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert [entry.line for entry in stored] == lines[: len(stored)]

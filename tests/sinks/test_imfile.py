"""rsyslog follows the file of the file sink, through rotations, as the documentation recommends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from gatetrail_sinks.file import FileSettings, FileSink
from tests.entries import make_entries
from tests.sinks.rsyslog import Rsyslog

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E9")]

BATCHES = 40
BATCH = 50
ROTATED_AFTER = (3, 13, 23, 38)


def following(path: Path) -> str:
    """Bare JSON has no cookie before it; the parsed keys come out by themselves, the line as it stands."""
    return f"""
module(load="imfile") module(load="mmjsonparse")
template(name="parsed" type="string" string="%$!seq% %$!event_name% %$!level%\\n")
ruleset(name="followed") {{
  action(type="mmjsonparse" cookie="")
  action(type="omfile" file="{path.parent}/raw" template="message")
  if $parsesuccess == "OK" then action(type="omfile" file="{path.parent}/parsed" template="parsed")
}}
input(type="imfile" file="{path}" tag="gatetrail" ruleset="followed" reopenOnTruncate="on")
"""


async def test_each_event_arrives_once_and_unchanged_through_rotations(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "audit.jsonl"
    path.parent.mkdir()
    receiver = Rsyslog(tmp_path, more=following(path))
    await receiver.start()
    sink = FileSink("file", FileSettings(path=path))
    entries = await make_entries(BATCHES * BATCH)
    for number in range(BATCHES):
        await sink.write(entries[number * BATCH : (number + 1) * BATCH])
        if number in ROTATED_AFTER:
            path.rename(path.with_name(f"audit.{number}.jsonl"))
        await asyncio.sleep(0.01)  # so that rsyslog reads while we write
    await sink.close()
    raw = await receiver.lines_of(path.parent / "raw", len(entries))
    parsed = await receiver.lines_of(path.parent / "parsed", len(entries))
    await receiver.stop()
    assert raw == [entry.line for entry in entries]
    keys = [orjson.loads(entry.line) for entry in entries]
    assert parsed == [f"{one['seq']} {one['event_name']} {one['level']}".encode() for one in keys]

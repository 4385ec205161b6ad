"""The files of events."""

from __future__ import annotations

import tempfile
from pathlib import Path

import orjson

from siem.corpus.every_kind import every_kind
from siem.corpus.geography import places
from siem.corpus.readme import readme
from siem.corpus.stage import open_stage
from siem.corpus.stories import STORIES
from siem.files import Files
from siem.places import CORPUS, EVENTS, EVERY_KIND, GOLDEN

PLACES = EVENTS / "places.csv"
README = EVENTS / "README.md"


async def files(dsn: str) -> Files:
    """All that is generated, by path below `events`, told into an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(dsn, Path(folder)) as stage:
            for story in STORIES:
                await story(stage)
            corpus, golden, kinds = stage.lines.as_jsonl(), stage.planted.as_json(), every_kind()
            counts = {"events": corpus.count(b"\n"), "kinds": kinds.count(b"\n")}
            return {
                CORPUS.name: corpus,
                GOLDEN.name: golden,
                EVERY_KIND.name: kinds,
                PLACES.name: places(stage.lines.addresses()),
                README.name: readme(orjson.loads(golden), **counts),
            }

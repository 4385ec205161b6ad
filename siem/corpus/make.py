"""The files of events."""

from __future__ import annotations

import tempfile
from pathlib import Path

from siem.corpus.every_kind import every_kind
from siem.corpus.geography import places
from siem.corpus.stage import open_stage
from siem.corpus.stories import STORIES
from siem.files import Files
from siem.places import CORPUS, EVENTS, EVERY_KIND, GOLDEN

PLACES = EVENTS / "places.csv"


async def files(dsn: str) -> Files:
    """All that is generated, by path below `events`, told into an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_stage(dsn, Path(folder)) as stage:
            for story in STORIES:
                await story(stage)
            lines = await stage.lines()
            return {
                CORPUS.name: b"".join(line + b"\n" for line in lines),
                GOLDEN.name: stage.golden(),
                EVERY_KIND.name: every_kind(),
                PLACES.name: places(stage.addresses()),
            }

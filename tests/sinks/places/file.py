"""A file, whose folder is now and then no folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gatetrail.delivery.sink import Sink
from gatetrail.events.journal import Entry
from gatetrail_sinks.file import FileSettings, FileSink


class FilePlace:
    acknowledges = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "logs"
        self._path = self._folder / "audit.jsonl"

    @property
    def options(self) -> Mapping[str, object]:
        return {"type": "file", "path": str(self._path)}

    def sink(self, name: str) -> Sink:
        return FileSink(name, FileSettings(path=self._path))

    async def received(self, at_least: int = 0) -> list[bytes]:
        away = self._folder.with_name("away") / self._path.name
        path = away if away.exists() else self._path
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        assert len(lines) >= at_least
        return lines

    async def die(self) -> None:
        self._folder.mkdir(exist_ok=True)
        self._folder.rename(self._folder.with_name("away"))
        self._folder.write_bytes(b"")

    async def come_back(self) -> None:
        self._folder.unlink()
        self._folder.with_name("away").rename(self._folder)

    def poison(self, entry: Entry) -> Entry | None:
        return Entry(entry.seq, entry.event_name, entry.line + b"\n")

    async def close(self) -> None:
        pass


async def file_place(folder: Path) -> FilePlace:
    return FilePlace(folder)

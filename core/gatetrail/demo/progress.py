"""A bar on stderr, where there is somebody to see it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Bar:
    """Shows what is going on, and how many calls are made. Gone at the end; nothing at all without a terminal."""

    def __init__(self, calls: int) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=calls)

    def now(self, what: str) -> None:
        """Say what is going on."""
        self._progress.update(self._task, description=what)

    def called(self) -> None:
        """One more call is made."""
        self._progress.advance(self._task)

    def stop(self) -> None:
        """Take it away; also safe when it is gone already."""
        self._progress.stop()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

"""The progress bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any


class Bar:
    """A progress bar on standard error, when that is a terminal: bytes, rate and time left."""

    def __init__(self, paths: Sequence[str], quiet: bool) -> None:
        self._progress: Any = None
        self._task: Any = None
        if quiet or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("reading", total=_total(paths) or None)
        self._done = 0
        self._current = ("", 0)
        self._progress.start()

    def __call__(self, read: int, _size: int, name: str) -> None:
        """Take what was read of the current file."""
        if self._progress is None:
            return
        file, before = self._current
        self._done += read - before if name == file else read
        self._current = (name, read)
        self._progress.update(self._task, completed=self._done, description="reading")

    def stop(self) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()


def _total(paths: Sequence[str]) -> int:
    total = 0
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in os.walk(path):
                for name in names:
                    try:
                        total += os.stat(os.path.join(folder, name)).st_size
                    except OSError:
                        continue
        elif os.path.isfile(path):
            total += os.path.getsize(path)
    return total

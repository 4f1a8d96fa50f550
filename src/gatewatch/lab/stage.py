"""The stage: every stream of a world, written slice by slice, and the register of what is marked as planted."""

from __future__ import annotations

from pathlib import Path

from gatewatch.lab.dice import dice
from gatewatch.lab.organisation import Organisation
from gatewatch.lab.stream import Stream, Witness


class Stage:
    """Holds the streams of a world below *root* and flushes them in the order they were opened."""

    def __init__(self, organisation: Organisation, root: Path, witness: Witness | None = None) -> None:
        self.organisation = organisation
        self.root = root
        self.witness = witness
        self.streams: dict[str, Stream] = {}

    def stream(self, path: str, *, rotate: int = 0, packed: bool = False) -> Stream:
        """Return the stream of *path*, opened on first use."""
        found = self.streams.get(path)
        if found is None:
            rng = dice(self.organisation.seed, "stream", path)
            found = self.streams[path] = Stream(path, rng, rotate, packed, last_day=self.organisation.days)
        return found

    def flush(self, until: int) -> None:
        """Write every row before *until*. OSError when the disk does not take them."""
        for stream in self.streams.values():
            stream.flush(self.root, until, self.witness)

    def close(self) -> None:
        """Close every file."""
        for stream in self.streams.values():
            stream.close()

    @property
    def written(self) -> int:
        """Return the number of records written so far."""
        return sum(stream.written for stream in self.streams.values())

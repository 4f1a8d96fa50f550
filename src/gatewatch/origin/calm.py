"""Calm: long loops that make millions of small values and no cycles, without the collector of cycles looking at all of them again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def calm() -> Iterator[None]:
    """Hold the collector of cycles back while the block runs; reference counts free what they always free."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()

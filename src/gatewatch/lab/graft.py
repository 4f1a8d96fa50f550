"""Grafts: a folder of real logs mixed into a world, as noise or as an intrusion that the truth does not know."""

from __future__ import annotations

import shutil
from pathlib import Path

from gatewatch.errors import InputError, UsageError


def graft(folder: Path, logs: Path) -> None:
    """Copy *folder* below ``logs/graft/NAME``; links are not followed. InputError when it is no folder; UsageError when it holds the world."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no folder to graft")
    target = logs / "graft" / folder.resolve().name
    if logs.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{folder}: the world would be grafted into itself")
    if target.exists():
        raise UsageError(f"{folder}: two grafts of the name {target.name}")
    shutil.copytree(folder, target, symlinks=True, copy_function=shutil.copyfile)

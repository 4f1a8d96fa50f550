"""The exit codes of the command line, in one table; the docs print it and a test holds every verb to it."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a finished command means; scripts may rely on it."""

    NOTHING_FOUND = 0
    BUG = 1
    USAGE = 2
    UNREADABLE = 3
    NOTHING_RECOGNISED = 4
    LOW = 10
    MEDIUM = 11
    HIGH = 12
    CRITICAL = 13
    INTERRUPTED = 130


MEANING: dict[Exit, str] = {
    Exit.NOTHING_FOUND: "done; no incident, no open finding (for other verbs: done)",
    Exit.BUG: "gatewatch failed; please report it",
    Exit.USAGE: "the command, an option or the site file is wrong",
    Exit.UNREADABLE: "an input that was named could not be read, and no incident or open finding came of the others",
    Exit.NOTHING_RECOGNISED: "inputs were read, but no record or file of evidence was recognised",
    Exit.LOW: "the gravest incident or open finding is informational or low",
    Exit.MEDIUM: "the gravest incident or open finding is medium",
    Exit.HIGH: "the gravest incident or open finding is high",
    Exit.CRITICAL: "the gravest incident or open finding is critical",
    Exit.INTERRUPTED: "stopped by Ctrl-C",
}

r"""Sessions of systemd-logind (and elogind).

``New session 12 of user alice.`` · since version 257 ``New session '12' of user 'alice' with class 'user' and type 'tty'.``

The session is ``logind:12``. No address; where the record has fields (journald), ``LEADER`` is the pid that logged in and becomes
``linked_session`` (``pid:4711``), the same as sshd's.

References: systemd-logind.service(8), message ids 8d45620c1a4348dbb17410da57c60c66 and 3354939424b4456d9802ca8333ed424a.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources import pam
from gatewatch.sources.pattern import Outcome, Pattern, PatternSource

_ID = r"'?(?P<session>[A-Za-z0-9]+)'?"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "logind-manager",
        ("New session",),
        (r"^New session '[A-Za-z0-9]+' of user '.*' with class '(?:manager|background|greeter|lock-screen)[a-z-]*' ",),
        why="a session of the system, nobody logged in",
    ),
    Pattern(
        "logind-opened",
        ("New session",),
        (
            rf"^New session {_ID} of user (?P<user>[!-&(-~]+)\.$",
            rf"^New session {_ID} of user '(?P<user>.*)' with class '[a-z-]+' and type '(?P<object>[a-z0-9]+)'\.$",
        ),
        Kind.SESSION_START,
        session_prefix="logind:",
    ),
    Pattern(
        "logind-closed",
        ("Session ", "Removed session"),
        (rf"^Session {_ID} logged out\. Waiting for processes to exit\.$", rf"^Removed session {_ID}\.$"),
        Kind.SESSION_END,
        session_prefix="logind:",
    ),
    Pattern(
        "logind-seat",
        (
            "Watching sys",
            "New seat ",
            "Removed seat",
            "Lid ",
            "Power key ",
            "System is ",
            "Operation ",
            "Suspending",
            "Hibernating",
            "Failed to ",
            "User enumera",
            "Creating /run",
        ),
        (
            (
                r"^(?:Watching system buttons |New seat |Removed seat |Lid |Power key |System is |Operation |Suspending|Hibernating|Failed to |"
                r"User enumeration failed|Creating /run)"
            ),
        ),
        why="seats, buttons and power, no session",
    ),
)


class LogindSource(PatternSource):
    """The pattern source, with the leader's pid from the record's fields."""

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records*; ``fields`` may hold ``LEADER``."""
        outcome = super().decode(records, wanted, apart)
        if not outcome.events.height or "fields" not in records.columns:
            return outcome
        leaders = records.select("record", pl.col("fields").str.extract(r'"LEADER": ?"?([0-9]+)').alias("leader")).drop_nulls()
        if leaders.height:
            joined = outcome.events.join(leaders, on="record", how="left", maintain_order="left")
            outcome.events = joined.with_columns(("pid:" + pl.col("leader")).alias("linked_session")).drop("leader")
        return outcome


SOURCE = LogindSource(
    name="logind",
    title="systemd-logind",
    programs=("systemd-logind", "elogind", "elogind-daemon"),
    patterns=PATTERNS + pam.PATTERNS,
    references=("systemd-logind.service(8)",),
)

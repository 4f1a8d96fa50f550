r"""OpenSSH of Windows in the event log: the text of the server's messages, decoded as :mod:`.sshd` decodes it.

``{"EventID": 4, "Channel": "OpenSSH/Operational", "EventData": {"process": "sshd", "payload": "Accepted password for corp\\\\ann from …"}}``

Ids are levels (1 critical … 4 information), not meanings. A domain user is written with two backslashes. The session is ``pid:`` and the process
that wrote the record, as with ``sshd``. What sshd's patterns do not know is unrecognised; a record without a message is rejected.

References: github.com/PowerShell/openssh-portable, contrib/win32/openssh/openssh-events.man; sshd(8).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.schema.records import RECORD_DTYPES
from gatewatch.sources import sshd
from gatewatch.sources.pattern import Outcome, rows_left
from gatewatch.sources.windows import Meaning, WindowsSource, everything, read_data

_DATA = ("process", "payload")
_PASSED = ("record", "offset", "time", "local", "rel", "resolution", "host", "count")
NO_PAYLOAD = "no message of the server"


class OpenSshSource(WindowsSource):
    """The source of the OpenSSH channels: the records become those of the program ``sshd``."""

    def wants(self, event_id: int, wanted: Collection[Kind] | None) -> bool:
        """Return whether an event of this id can become an event of a *wanted* kind: any that sshd's messages make."""
        kinds = {pattern.kind for pattern in sshd.SOURCE.patterns if pattern.kind is not None}
        return event_id in self.ids and (wanted is None or not kinds.isdisjoint(wanted))

    def data(self, event_id: int, wanted: Collection[Kind] | None) -> tuple[str, ...] | None:  # noqa: ARG002 - of no event
        """Return None: the data are asked for as JSON."""
        return None

    def decode(
        self,
        records: pl.DataFrame,
        wanted: Collection[Kind] | None = None,
        apart: Collection[Kind] = (),  # noqa: ARG002 - few records
        ready: Sequence[pl.DataFrame] = (),  # noqa: ARG002 - none
    ) -> Outcome:
        """Decode the messages of *records*; events of other ids than the levels are ignored."""
        whole = wanted is None or Kind.OTHER in wanted
        known = records["event_id"].is_in(sorted(self.ids)).fill_null(False)
        others = records.filter(~known)["event_id"].value_counts().iter_rows()
        ignored = {f"event {number} {self.others}": count for number, count in others}
        rows = records.filter(known)
        data, broken = read_data(rows, _DATA)
        rows = rows.join(broken.select("record"), on="record", how="anti", maintain_order="left")
        payload = data["payload"].fill_null("").str.strip_chars()
        rows = rows.with_columns(pid=data["process"].str.extract(r"\[?([0-9]+)\]?$", 1).fill_null(rows["pid"]), message=payload)
        empty = rows_left(rows.filter(payload == ""), NO_PAYLOAD)
        rows = rows.filter(payload != "")
        passed = [name for name in _PASSED if name in rows.columns]
        missing = [pl.lit(None, dtype).alias(name) for name, dtype in RECORD_DTYPES.items() if name not in (*_PASSED, "pid", "message", "program")]
        made = sshd.SOURCE.decode(rows.select(*passed, "pid", "message", pl.lit("sshd").alias("program"), *missing), None if whole else wanted)
        events = made.events.with_columns(pl.lit(self.name).alias("source"))
        if events.height:
            events = events.join(rows.select("record", "event_record", "channel"), on="record", how="left", maintain_order="left")
            if whole:
                told = rows.join(events.select("record"), on="record", how="semi", maintain_order="left")
                events = events.with_columns(everything(told))
        for name, count in made.ignored.items():
            ignored[name] = ignored.get(name, 0) + count
        return Outcome(events, dict(sorted(ignored.items())), made.unrecognised, pl.concat([broken, empty]), made.used)


SOURCE = OpenSshSource(
    name="windows-openssh",
    title="OpenSSH for Windows",
    channels=("OpenSSH/Operational", "OpenSSH/Admin"),
    meanings=(Meaning("openssh-message", (1, 2, 3, 4), Kind.AUTH_SUCCESS, reads=_DATA),),
    service=Service.SSH,
    references=(
        "https://github.com/PowerShell/openssh-portable",
        "https://learn.microsoft.com/windows-server/administration/openssh/openssh_overview",
    ),
)

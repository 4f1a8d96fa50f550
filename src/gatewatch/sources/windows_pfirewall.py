r"""The text log of the Windows Firewall, ``pfirewall.log``.

::

    #Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path
    2026-01-05 12:00:00 DROP TCP 203.0.113.9 10.0.0.5 51514 3389 52 S 1234567890 0 64240 - - - RECEIVE

Columns are found by ``#Fields``. The log does not name its computer; ``path`` tells which end it is: ``host_ip`` is the destination of what it
received, the source of what it sent. Times are local. The log of Windows XP (OPEN, CLOSE, no path) is read as well.

=======================================  =====================================================================================================
record                                   becomes
=======================================  =====================================================================================================
DROP of TCP, received, to a port of      ``connection_denied`` ``dropped``; only packets that open a connection (``tcpflags`` S) where flags are
remote access                            logged
DROP, ALLOW, OPEN, OPEN-INBOUND          ``connection`` ``dropped``, ``allowed``
CLOSE                                    ``connection_closed``
INFO-EVENTS-LOST                         ignored; the number of lost records is not known to be of any kind
=======================================  =====================================================================================================

References: learn.microsoft.com, "Interpreting the Windows Firewall log".
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind
from gatewatch.schema.table import FIREWALL_NAMES, Header
from gatewatch.sources import flow
from gatewatch.sources.pattern import Outcome
from gatewatch.sources.port import by_port, is_door
from gatewatch.sources.row import CARRIED, COLUMNS, NO_TIME, RAW, Taken, fits, read_header, split_rows

DEFAULT = Header(FIREWALL_NAMES)
_NAMES = ("action", "protocol", "src-ip", "dst-ip", "src-port", "dst-port", "size", "tcpflags", "path", "pid")
_KINDS = (Kind.CONNECTION, Kind.CONNECTION_CLOSED, Kind.CONNECTION_DENIED)
_ACTIONS = {"DROP": "dropped", "ALLOW": "allowed", "OPEN": "allowed", "OPEN-INBOUND": "allowed", "CLOSE": "ended"}
_LOST = "INFO-EVENTS-LOST"


class PfirewallSource:
    """The source of the Windows Firewall's text log: rows in ``message``, with their header in ``fields``."""

    name = "windows-firewall-log"
    title = "Windows Firewall text log (pfirewall.log)"
    programs = ("windows-firewall-log",)
    references = ("https://learn.microsoft.com/windows/security/operating-system-security/network-security/windows-firewall/configure-logging",)

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:  # noqa: ARG002
        """Decode *records*; of a scan, only what was dropped is read."""
        taken = Taken(wanted)
        for (text,), rows in records.group_by("fields", maintain_order=True):
            self._rows(rows, read_header(str(text) if text is not None else None) or DEFAULT, taken)
        return taken.outcome()

    def _rows(self, records: pl.DataFrame, header: Header, taken: Taken) -> None:
        rows = taken.reject(records, ~fits(records["message"], header), COLUMNS)
        clock = rows["time"].is_null() & (rows["local"].is_null() if "local" in rows.columns else True)
        rows = taken.reject(rows, clock, NO_TIME)
        if not taken.wants((Kind.CONNECTION, Kind.CONNECTION_CLOSED)):
            text = rows["message"]
            idle = text.str.contains(r"(?:^| )(?:ALLOW|OPEN|OPEN-INBOUND|CLOSE) ") & ~text.str.contains(rf"(?:^| )(?:DROP|{_LOST}) ")
            taken.used += int(idle.sum())
            rows = rows.filter(~idle)
        if rows.height:
            taken.take(_events(rows, split_rows(rows["message"], header, _NAMES), self.name))


def _events(rows: pl.DataFrame, raw: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return *rows* with their *raw* columns as events."""
    action, path = raw[f"{RAW}action"], raw[f"{RAW}path"].fill_null("")
    protocol = raw[f"{RAW}protocol"].str.to_uppercase()
    ported = protocol.is_in(["TCP", "UDP", "6", "17"]).fill_null(False)
    frame = rows.select([column for column in CARRIED if column in rows.columns]).with_columns(
        pl.lit(name).alias("source"),
        flow.addresses(raw[f"{RAW}src-ip"]).alias("src_ip"),
        flow.port(raw[f"{RAW}src-port"]).set(~ported, None).alias("src_port"),
        flow.addresses(raw[f"{RAW}dst-ip"]).alias("dst_ip"),
        flow.port(raw[f"{RAW}dst-port"]).set(~ported, None).alias("dst_port"),
        pl.lit(raw[f"{RAW}tcpflags"]).alias("zz_flags"),
    )
    received = pl.lit(path == "RECEIVE")
    tcp = pl.lit(protocol.is_in(["TCP", "6"]).fill_null(False))
    opening = pl.col("zz_flags").is_null() | (
        pl.col("zz_flags").str.contains("S", literal=True) & ~pl.col("zz_flags").str.contains("A", literal=True)
    )
    inward = received | pl.lit((path == "") & (action == "DROP").fill_null(False))  # a host's own packets are never dropped by XP's firewall
    denied = pl.lit((action == "DROP").fill_null(False)) & tcp & inward & opening & is_door("dst_port")
    known = pl.lit(action.is_in(list(_ACTIONS)).fill_null(False))
    kind = (
        pl.when(~known)
        .then(None)
        .when(denied)
        .then(pl.lit(str(Kind.CONNECTION_DENIED)))
        .when(pl.lit((action == "CLOSE").fill_null(False)))
        .then(pl.lit(str(Kind.CONNECTION_CLOSED)))
        .otherwise(pl.lit(str(Kind.CONNECTION)))
    )
    lost = pl.lit((action == _LOST).fill_null(False))
    frame = frame.with_columns(
        kind.cast(ev.KIND).alias("kind"),
        pl.when(lost)
        .then(pl.lit("records lost by the firewall"))
        .when(~known)
        .then(pl.lit("an action that is none of a connection"))
        .otherwise(pl.lit(action.replace_strict(_ACTIONS, default=None, return_dtype=pl.String)))
        .alias("pattern"),
        by_port("dst_port").alias("service"),
        pl.when(received).then("dst_ip").when(pl.lit(path == "SEND")).then("src_ip").alias("host_ip"),
    )
    shared = pl.col("host_ip").str.contains(r"^(?:22[4-9]|2[3-5][0-9])\.|\.255$|^ff")
    return frame.with_columns(pl.when(~shared.fill_null(False)).then("host_ip").alias("host_ip")).drop("zz_flags")


SOURCE = PfirewallSource()

r"""OpenVPN's status file: who is connected, since when, from where, with which inner address (framed by :mod:`gatewatch.intake.openvpn_status`).

A file is a snapshot, not a log: each client is one ``session_start`` at the time since which it is connected, however many snapshots show it. The
logon itself is told by the server's log (:mod:`gatewatch.sources.openvpn`), whose session ids are the same, ``ovpn:address:port``. ``bytes_in`` is
what the server received. The user is the user name where there is one, else the name of the certificate; ``UNDEF`` is null.

References: openvpn(8), --status; https://github.com/OpenVPN/openvpn (src/openvpn/multi.c, multi_print_status)
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

_IP = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)"
_PEER = rf"(?:[a-z0-9-]+:)?\[?(?P<rhost>{_IP}?)\]?(?::(?P<src_port>[0-9]{{1,5}}))?"
_CELL = "[^\x1f]*"
_TITLES = (
    r"OpenVPN CLIENT LIST|ROUTING TABLE|GLOBAL STATS|END|Common Name,|Virtual Address,|Max bcast/mcast|Updated,"
    "|HEADER[,\t]|TITLE[,\t]|TIME[,\t]|ROUTING_TABLE[,\t]|GLOBAL_STATS[,\t]"
)
_USER = "(?P<user>[^\x1f]*)"
_BYTES = "(?P<bytes_in>[0-9]+)\x1f(?P<bytes_out>[0-9]+)"
_INNER = rf"(?P<assigned_ip>{_IP}|)"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "client-connected",
        ("client\x1f",),
        (
            f"^client\x1f{_USER}\x1f{_PEER}\x1f{_INNER}\x1f{_BYTES}$",
            f"^client\x1f{_USER}\x1f{_PEER}\x1f{_BYTES}$",
        ),
        Kind.SESSION_START,
    ),
    Pattern(
        "client-unnamed",
        ("client\x1f",),
        (f"^client\x1f{_CELL}\x1f{_CELL}\x1f{_CELL}\x1f{_CELL}\x1f{_CELL}$",),
        why="a client whose address cannot be read",
    ),
    Pattern(
        "status-other",
        (),
        (f"^(?:{_TITLES}|route$)",),
        why="headings, routes and statistics",
    ),
)
_CELLS = {
    **dict.fromkeys((10, 11, 12, 13), (1, 2, 3, 5, 6, 9)),  # with an inner IPv6 address
    9: (1, 2, 3, 4, 5, 8),
    8: (1, 2, 3, 4, 5, 1),
}
"""Number of cells -> where name, peer, inner address, bytes received and sent, and user stand."""


def _lay(text: str) -> str:
    """Return a client's line as ``client``, user, peer, inner address, bytes in and out, between separators; other lines as they are."""
    if text.startswith("CLIENT_LIST"):
        cells = text.split("\t" if text.startswith("CLIENT_LIST\t") else ",")
        places = _CELLS.get(len(cells))
        if places is None:
            return text
        name, peer, inner, received, sent, user = (cells[place] for place in places)
        return "\x1f".join(("client", _who(user) or _who(name), peer, inner, received, sent))
    cells = text.split(",")
    if len(cells) == 5 and cells[2].isdigit() and cells[3].isdigit():
        return "\x1f".join(("client", _who(cells[0]), cells[1], cells[2], cells[3]))
    return "route" if len(cells) == 4 and not text.startswith(("HEADER", "TITLE", "TIME", "Virtual", "Common")) else text


def _who(name: str) -> str:
    return "" if name == "UNDEF" else name.replace("\x1f", " ")


def _prepare(records: pl.DataFrame) -> pl.DataFrame:
    return records.with_columns(pl.Series("message", [_lay(text or "") for text in records["message"].to_list()], dtype=pl.String))


def _finish(events: pl.DataFrame) -> pl.DataFrame:
    """Give each client the session that the server's log gives it."""
    if "src_ip" not in events.columns or "src_port" not in events.columns:
        return events
    return events.with_columns((pl.lit("ovpn:") + pl.col("src_ip") + ":" + pl.col("src_port").cast(pl.String)).alias("session"))


SOURCE = PatternSource(
    name="openvpn-status",
    title="OpenVPN status file",
    programs=("openvpn-status",),
    patterns=PATTERNS,
    service=Service.VPN,
    prepare=_prepare,
    finish=_finish,
    references=("https://github.com/OpenVPN/openvpn/blob/master/src/openvpn/multi.c",),
)

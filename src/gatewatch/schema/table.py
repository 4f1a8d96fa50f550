"""Headers of text tables: what intake learns of a table's columns and the source that reads its rows must know."""

from __future__ import annotations

import msgspec

FLOW_NAMES = (
    *("version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol"),
    *("packets", "bytes", "start", "end", "action", "log-status"),
)
"""The columns of an AWS VPC flow log in the default order."""

FIREWALL_NAMES = (
    *("date", "time", "action", "protocol", "src-ip", "dst-ip", "src-port", "dst-port", "size"),
    *("tcpflags", "tcpsyn", "tcpack", "tcpwin", "icmptype", "icmpcode", "info", "path"),
)
"""The columns of the Windows Firewall's log in the usual order; newer ones have ``pid`` behind them."""


class Header(msgspec.Struct, frozen=True):
    """What the header of a table says of its rows.

    ``names``: of the columns; ``path``: of the log, where it has one; ``unset`` and ``empty``: how the writer marks an absent and an empty value. A
    record of a table has its row in ``message`` and this, as JSON, in ``fields``.
    """

    names: tuple[str, ...]
    separator: str = " "
    path: str = ""
    unset: str = "-"
    empty: str = ""

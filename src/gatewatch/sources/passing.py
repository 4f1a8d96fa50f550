"""Connections through a firewall, as its traffic records tell of them when they end: those that matter, laid out for a pattern.

A firewall writes one such record for everything that passes, so only what may be part of a story is read: what
:func:`gatewatch.sources.flow.as_events` makes of it is named there.

==========================================================================  =============================================
record                                                                      becomes
==========================================================================  =============================================
at least 100 MiB from an inner address to a public one, whoever opened it   ``file_transfer``, pattern ``flow-volume``
answered, TCP, from an inner address to a public one's SSH or VNC           ``logon_out``, pattern ``outbound-flow``
answered, TCP, from a public address to the Docker API or a kubelet         ``session_start``, pattern ``control-plane``
any other, denied ones included                                             nothing
==========================================================================  =============================================

``host_ip`` is the inner side, the bytes are as it saw them; ``host`` is null: the firewall is no end of the connection.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.schema.platform import OUTBOUND
from gatewatch.sources.flow import OUTWARD_PORTS, VOLUME, VOLUME_DIGITS, amount, inner, public
from gatewatch.sources.key_value import ANY, lay_out, layout
from gatewatch.sources.pattern import Pattern
from gatewatch.sources.port import NAMED, PLANES, is_outward, is_plane

GATES = "|".join((OUTWARD_PORTS, *(str(port) for port in PLANES)))
"""The ports towards which a connection matters however few its bytes are, as a piece of a regex."""
BYTES = VOLUME_DIGITS
"""What a number of bytes looks like that may be a volume, as a piece of a regex."""
NOTHING = "passed"
"""The word for a connection that is no part of a story."""
_PLANE, _VOLUME = "control-plane", "flow-volume"
_GROUPS = ("host_ip", "rhost", "src_port", "dhost", "dst_port", "bytes_in", "bytes_out", "user")
_SERVICES = {str(port): service for port, service in NAMED.items()}
_LAID = ("what", "host_ip", "src_ip", "src_port", "dst_ip", "dst_port", "bytes_in", "bytes_out", "user", "port")


def _pattern(name: str, kind: Kind) -> Pattern:
    return Pattern(name, (name,), (layout((f"={name}", *_GROUPS, f"service={ANY}")),), kind, services=_SERVICES)


PATTERNS = (_pattern(_VOLUME, Kind.FILE_TRANSFER), _pattern(OUTBOUND, Kind.LOGON_OUT), _pattern(_PLANE, Kind.SESSION_START))
"""The patterns of a source that lays its traffic out by :func:`lay`."""


def lay(table: pl.DataFrame) -> pl.Series:
    """Return the layout of each connection that ended.

    Columns in, all text: ``src_ip, src_port, dst_ip, dst_port`` (the opening side first; canonical addresses), ``sent`` and ``received`` (bytes, as
    the opening side saw them), ``protocol`` (6 or tcp) and ``user``.
    """
    table = table.with_columns(
        amount(table["sent"]).alias("sent"),
        amount(table["received"]).alias("received"),
        *(pl.col(name).cast(pl.UInt16, strict=False) for name in ("src_port", "dst_port")),
    )
    tcp = pl.col("protocol").str.to_lowercase().is_in(["6", "tcp"]).fill_null(value=False)
    answered = (pl.col("received") > 0).fill_null(value=False)
    up = inner("src_ip") & public("dst_ip") & (pl.col("sent") >= VOLUME).fill_null(value=False)
    down = public("src_ip") & inner("dst_ip") & (pl.col("received") >= VOLUME).fill_null(value=False)
    out = inner("src_ip") & public("dst_ip") & tcp & is_outward("dst_port") & answered
    plane = public("src_ip") & tcp & is_plane("dst_port") & answered
    source = up | (out & ~down)  # whose side the bytes are told of
    told = table.with_columns(
        pl.when(up | down)
        .then(pl.lit(_VOLUME))
        .when(out)
        .then(pl.lit(OUTBOUND))
        .when(plane)
        .then(pl.lit(_PLANE))
        .otherwise(pl.lit(NOTHING))
        .alias("what"),
        pl.when(source).then("src_ip").otherwise("dst_ip").alias("host_ip"),
        pl.when(source).then("received").otherwise("sent").cast(pl.String).alias("bytes_in"),
        pl.when(source).then("sent").otherwise("received").cast(pl.String).alias("bytes_out"),
        *(pl.col(name).cast(pl.String) for name in ("src_port", "dst_port")),
    )
    laid = lay_out(told.with_columns(pl.col("dst_port").alias("port")), _LAID)
    return laid.zip_with(told["what"] != NOTHING, told["what"])

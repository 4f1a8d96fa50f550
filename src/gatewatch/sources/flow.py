"""Flows: what a record of network traffic becomes, whoever wrote it.

A flow runs from the side that opened it (``src_ip``) to the side that answered (``dst_ip``), and what happens happens at the side that answered:
``host_ip`` is its address, ``bytes_in`` what it received and ``bytes_out`` what it sent. ``host`` is never filled in: the writer of such a log is
no end of the connection.

=======================================================================  =====================================================================
flow                                                                     becomes
=======================================================================  =====================================================================
at least 100 MiB from an inner address to a public one                   ``file_transfer``, pattern ``flow-volume``; ``host_ip`` is the inner side,
                                                                         whichever opened it, and the bytes are as that side saw them
turned away or never answered, TCP, at a port of remote access           ``connection_denied``; from inside to inside at the Docker API or a
                                                                         kubelet ``probe``, and ``host_ip`` is the side that asked
answered, TCP, from a public address to the Docker API or a kubelet      ``session_start``, pattern ``control-plane``: whether the answer was a
                                                                         refusal is not seen, but its size is (``bytes_out``)
answered, TCP, from an inner address to a public one's SSH or VNC         ``logon_out``, pattern ``outbound-flow``; ``host_ip`` is the inner side, and
                                                                         the bytes are as it saw them
any other                                                                ``connection``; where it was turned away, only ``pattern`` says so
=======================================================================  =====================================================================

A long transfer that its log cuts into shorter records is not added up here.
"""

from __future__ import annotations

import re

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import Kind
from gatewatch.schema.platform import OUTBOUND
from gatewatch.sources.port import NAMED, OUTWARD, by_port, is_door, is_outward, is_plane
from gatewatch.sources.resolver import resolve_host

VOLUME = 100 << 20
VOLUME_DIGITS = "[0-9]{9,19}"
"""What a number of bytes of at least :data:`VOLUME` looks like (others may, too)."""

KINDS = (Kind.CONNECTION, Kind.CONNECTION_DENIED, Kind.FILE_TRANSFER, Kind.SESSION_START, Kind.LOGON_OUT, Kind.PROBE)
OUTWARD_PORTS = "|".join(str(port) for port in OUTWARD)
"""The ports of :data:`~gatewatch.sources.port.OUTWARD` as a piece of a regex."""
_INNER = r"^(?:10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd][0-9a-f]{2}:)"
_NO_PLACE = r"^(?:0\.|127\.|169\.254\.|192\.0\.0\.|198\.1[89]\.|22[4-9]\.|2[3-5][0-9]\.)"
_PUBLIC_V6 = r"^[23][0-9a-f]{3}:"
_ENDS = (("src_ip", "dst_ip"), ("src_port", "dst_port"), ("sent", "answered"))
_LARGEST = 2**62


def inner(name: str) -> pl.Expr:
    """Return whether the address *name* lies in a private range; never null."""
    return pl.col(name).str.contains(_INNER).fill_null(False)


def public(name: str) -> pl.Expr:
    """Return whether the address *name* lies outside, documentation ranges included; never null."""
    address = pl.col(name)
    quad = ~address.str.contains(":", literal=True) & ~address.str.contains(_INNER) & ~address.str.contains(_NO_PLACE)
    return (quad | address.str.contains(_PUBLIC_V6)).fill_null(False)


def heads_out(source: str | None, target: str | None) -> bool:
    """Return whether a flow between canonical addresses leads from an inner address to a public one."""
    return is_inner(source) and is_public(target)


def is_inner(address: str | None) -> bool:
    """Return whether a canonical address lies in a private range."""
    return address is not None and bool(re.search(_INNER, address))


def is_public(address: str | None) -> bool:
    """Return whether a canonical address lies outside, documentation ranges included."""
    if address is None:
        return False
    if ":" in address:
        return bool(re.search(_PUBLIC_V6, address))
    return not re.search(_INNER, address) and not re.search(_NO_PLACE, address)


def is_answer(src_port: int | None, dst_port: int | None) -> bool:
    """Return what :func:`answers` does, of a single flow."""
    if src_port is None or dst_port is None or dst_port in NAMED:
        return False
    return src_port in NAMED or src_port < 1024 <= dst_port


def addresses(values: pl.Series) -> pl.Series:
    """Return *values* as canonical addresses; null where they are none."""
    return pl.select(resolve_host(values, "a", "")[0]).to_series() if len(values) else values


def address(text: str | None) -> str | None:
    """Return *text* as a canonical address; None where it is none."""
    return canonical_address(text) if text else None


def port(values: pl.Series) -> pl.Series:
    """Return *values* as ports; null where they are none, and for 0."""
    number = values.cast(pl.UInt16, strict=False)
    return number.set(number == 0, None)


def amount(values: pl.Series) -> pl.Series:
    """Return *values* as numbers of bytes; null where they are none."""
    number = values.cast(pl.Int64, strict=False)
    return number.set((number < 0) | (number > _LARGEST), None)


def turned(frame: pl.DataFrame, backwards: pl.Expr) -> pl.DataFrame:
    """Return *frame* with the ends (addresses, ports, bytes) of the rows *backwards* exchanged."""
    back = frame.select(backwards.fill_null(False).alias("b"))["b"]
    if not back.any():
        return frame
    return frame.with_columns(
        pl.when(back).then(pl.col(other)).otherwise(pl.col(name)).alias(name) for pair in _ENDS for name, other in (pair, pair[::-1])
    )


def answers() -> pl.Expr:
    """Return whether a flow looks like the answering half of a connection: the "source" has the port of a service, the other side none."""
    listed = list(NAMED)
    known, other = (pl.col(name).is_in(listed) for name in ("src_port", "dst_port"))
    low = (pl.col("src_port") < 1024) & (pl.col("dst_port") >= 1024)
    return ((known & ~other) | (low & ~other)).fill_null(False)


def as_events(frame: pl.DataFrame) -> pl.DataFrame:
    """Return *frame* with ``kind``, ``service``, ``host_ip`` and bytes.

    Columns in: ``src_ip, src_port, dst_ip, dst_port, sent, answered, pattern``, ``tcp`` and ``denied`` (Boolean), ``named`` (the service by the
    protocol seen; null) and, where the writer knows, ``src_inner`` and ``dst_inner``. What only this function needs is dropped.
    """
    denied = pl.col("denied") & pl.col("tcp") & is_door("dst_port")
    plane = ~pl.col("denied") & pl.col("tcp") & is_plane("dst_port")
    ruled = plane & (pl.col("answered") > 0).fill_null(False) & public("src_ip")
    out = ~pl.col("denied") & pl.col("tcp") & is_outward("dst_port") & inner("src_ip") & public("dst_ip") & (pl.col("answered") != 0).fill_null(True)
    probe = denied & is_plane("dst_port") & inner("src_ip") & inner("dst_ip")
    frame = frame.with_columns(
        pl.when(probe)
        .then(pl.lit(str(Kind.PROBE)))
        .when(denied)
        .then(pl.lit(str(Kind.CONNECTION_DENIED)))
        .when(ruled)
        .then(pl.lit(str(Kind.SESSION_START)))
        .when(out)
        .then(pl.lit(str(Kind.LOGON_OUT)))
        .otherwise(pl.lit(str(Kind.CONNECTION)))
        .cast(ev.KIND)
        .alias("kind"),
        pl.when(ruled).then(pl.lit("control-plane")).when(out).then(pl.lit(OUTBOUND)).otherwise("pattern").alias("pattern"),
        pl.when(plane).then(by_port("dst_port")).otherwise(pl.coalesce(pl.col("named"), by_port("dst_port"))).alias("service"),
        pl.when(out | probe).then("src_ip").otherwise("dst_ip").alias("host_ip"),
        pl.when(out).then("answered").otherwise("sent").alias("bytes_in"),
        pl.when(out).then("sent").otherwise("answered").alias("bytes_out"),
    )
    if frame.select(((pl.col("sent") >= VOLUME) | (pl.col("answered") >= VOLUME)).any()).item():
        frame = _volumes(frame)
    return frame.drop([name for name in ("sent", "answered", "tcp", "denied", "named", "src_inner", "dst_inner") if name in frame.columns])


def _volumes(frame: pl.DataFrame) -> pl.DataFrame:
    told = {name: pl.col(name) if name in frame.columns else pl.lit(None, pl.Boolean) for name in ("src_inner", "dst_inner")}
    within = {end: pl.coalesce(told[f"{end}_inner"], inner(f"{end}_ip")) | inner(f"{end}_ip") for end in ("src", "dst")}
    up = within["src"] & ~within["dst"] & public("dst_ip") & (pl.col("sent") >= VOLUME).fill_null(False)
    down = within["dst"] & ~within["src"] & public("src_ip") & (pl.col("answered") >= VOLUME).fill_null(False)
    return frame.with_columns(
        pl.when(up | down).then(pl.lit(str(Kind.FILE_TRANSFER), ev.KIND)).otherwise("kind").alias("kind"),
        pl.when(up | down).then(pl.lit("flow-volume")).otherwise("pattern").alias("pattern"),
        pl.when(up).then("src_ip").when(down).then("dst_ip").otherwise("host_ip").alias("host_ip"),
        pl.when(up).then("answered").otherwise("bytes_in").alias("bytes_in"),
        pl.when(up).then("sent").otherwise("bytes_out").alias("bytes_out"),
    )

r"""Flows at the network interfaces of an AWS VPC.

::

    version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
    2 123456789010 eni-1235b8ca123456789 203.0.113.9 10.0.0.5 51514 22 6 20 4249 1767571200 1767571260 ACCEPT OK

Columns are found by the header that files on S3 begin with, in any order and selection; without one (CloudWatch), rows are read in the default order
of version 2, also where they come as the ``message`` of CloudWatch events in JSON. ``pkt-srcaddr`` and ``pkt-dstaddr`` go before ``srcaddr`` and
``dstaddr``, which are those of a load balancer or NAT gateway on the way.

The two halves of a connection are separate records: one whose source has the port of a service (or, where ``tcp-flags`` are logged, whose first
packet was a SYN-ACK) is the answer, pattern ``flow-reply``, and its ends are exchanged. REJECT is ``flow-rejected``. What flows become is in
:mod:`gatewatch.sources.flow`. ``time`` is the beginning of the stretch of one or ten minutes that the record sums up, ``time_err`` its length.
NODATA and SKIPDATA are ignored; interface, account and instance are in ``extra``.

References: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind
from gatewatch.schema.table import FLOW_NAMES, Header
from gatewatch.sources import flow
from gatewatch.sources.pattern import Outcome
from gatewatch.sources.port import PLANES
from gatewatch.sources.row import CARRIED, COLUMNS, NO_TIME, RAW, Taken, fits, read_header, split_rows, stamped

DEFAULT = Header(FLOW_NAMES)
_EXTRA = ("interface-id", "account-id", "instance-id", "vpc-id", "subnet-id", "region", "flow-direction", "traffic-path", "pkt-src-aws-service")
_NAMES = (
    *("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "srcport", "dstport", "protocol", "bytes", "start", "end", "action", "tcp-flags"),
    *_EXTRA,
)
_SYN, _ACK = 2, 16


class VpcFlowSource:
    """The source of VPC flow logs: rows in ``message``, with their header in ``fields``."""

    name = "aws-vpc-flow"
    title = "AWS VPC flow logs"
    programs = ("aws-vpc-flow",)
    references = ("https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html",)

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:  # noqa: ARG002
        """Decode *records*; kinds outside *wanted* are counted as used, for most of them unread."""
        taken = Taken(wanted)
        for (text,), rows in records.group_by("fields", maintain_order=True):
            self._rows(rows, read_header(str(text) if text is not None else None) or DEFAULT, taken)
        return taken.outcome()

    def _rows(self, rows: pl.DataFrame, header: Header, taken: Taken) -> None:
        rows = taken.reject(rows, ~fits(rows["message"], header), COLUMNS)
        for word in ("NODATA", "SKIPDATA"):
            none = rows["message"].str.contains(rf"(?:^| ){word}(?: |$)").fill_null(False)
            taken.ignore(word, int(none.sum()))
            rows = rows.filter(~none) if none.any() else rows
        rows = taken.reject(rows, rows["time"].is_null(), NO_TIME)
        if not taken.wants(flow.KINDS):
            taken.used += rows.height
            return
        if not taken.wants((Kind.CONNECTION,)):
            busy = rows["message"].str.contains(_hint(header)).fill_null(False)
            taken.used += int((~busy).sum())
            rows = rows.filter(busy)
        if rows.height:
            raw = split_rows(rows["message"], header, _NAMES)
            taken.take(self._events(rows, raw))

    def _events(self, rows: pl.DataFrame, raw: pl.DataFrame) -> pl.DataFrame:
        """Return *rows* with their *raw* columns as events."""
        start, end = (raw[f"{RAW}{name}"].cast(pl.Int64, strict=False) for name in ("start", "end"))
        ends = {name: raw[f"{RAW}pkt-{name}"].zip_with(raw[f"{RAW}pkt-{name}"].is_not_null(), raw[f"{RAW}{name}"]) for name in ("srcaddr", "dstaddr")}
        protocol = raw[f"{RAW}protocol"]
        ported = protocol.is_in(["6", "17"]).fill_null(False)
        ports = {name: flow.port(raw[f"{RAW}{name}"]).set(~ported, None) for name in ("srcport", "dstport")}
        frame = rows.select([name for name in CARRIED if name in rows.columns])
        frame = stamped(frame, rows["time"], pl.lit((end - start) * 1_000_000)).with_columns(
            pl.lit(self.name).alias("source"),
            pl.lit(rows["message"]).alias("message"),  # rows of one object share its number, so none can be looked up by it
            flow.addresses(ends["srcaddr"]).alias("src_ip"),
            ports["srcport"].alias("src_port"),
            flow.addresses(ends["dstaddr"]).alias("dst_ip"),
            ports["dstport"].alias("dst_port"),
            flow.amount(raw[f"{RAW}bytes"]).alias("sent"),
            pl.lit(None, pl.Int64).alias("answered"),
            (protocol == "6").fill_null(False).alias("tcp"),
            pl.lit(None, ev.SERVICE).alias("named"),
            (raw[f"{RAW}action"] == "REJECT").fill_null(False).alias("denied"),
            raw[f"{RAW}tcp-flags"].cast(pl.UInt16, strict=False).alias("flags"),
            *[raw[f"{RAW}{name}"] for name in _EXTRA],
        )
        syn = (pl.col("flags") & _SYN) != 0
        back = pl.when(syn.fill_null(False)).then((pl.col("flags") & _ACK) != 0).otherwise(flow.answers())
        reply = frame.select(back.alias("b"))["b"]
        frame = flow.turned(frame, pl.lit(reply)).with_columns(
            pl.when(pl.lit(reply)).then(pl.lit("flow-reply")).when("denied").then(pl.lit("flow-rejected")).otherwise(pl.lit("flow")).alias("pattern"),
            (pl.col("denied") & ~pl.lit(reply)).alias("denied"),
        )
        present = [pl.col(f"{RAW}{name}").alias(name) for name in _EXTRA if raw[f"{RAW}{name}"].null_count() < raw.height]
        if present:
            frame = frame.with_columns(pl.struct(present).struct.json_encode().alias("extra"))
        return flow.as_events(frame.drop("flags"))


def _hint(header: Header) -> str:
    """Return the regex that a row must match to become anything but a connection."""
    rejected = "(?:^| )REJECT(?: |$)"
    if "srcport" in header.names:  # the answering half of a control plane
        rejected += rf"|^(?:[^ ]* ){{{header.names.index('srcport')}}}(?:{'|'.join(str(plane) for plane in PLANES)})(?: |$)"
    if "dstport" in header.names:
        rejected += rf"|^(?:[^ ]* ){{{header.names.index('dstport')}}}(?:{flow.OUTWARD_PORTS})(?: |$)"
    if "bytes" not in header.names:
        return rejected
    return rf"{rejected}|^(?:[^ ]* ){{{header.names.index('bytes')}}}{flow.VOLUME_DIGITS}(?: |$)"


SOURCE = VpcFlowSource()

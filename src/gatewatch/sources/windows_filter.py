r"""Windows Filtering Platform: connections allowed and blocked, Security 5152, 5156, 5157.

::

    5157 Application=System Direction=%%14592 SourceAddress=203.0.113.9 SourcePort=51514 DestAddress=10.0.0.5 DestPort=3389 Protocol=6

A blocked attempt on a port of remote access from another host is ``connection_denied``, all else is a connection. Which end is called the
source of an inbound packet differs between releases: where only the "source" has the port of a service, the ends are swapped. Ports mean
something with TCP and UDP only.

References: learn.microsoft.com, "Advanced security auditing", events 5152, 5156, 5157.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind, Service
from gatewatch.sources.windows import Meaning, WindowsSource, as_kind, datum
from gatewatch.sources.windows_code import LOOPBACK

_SERVICES: dict[int, Service | None] = {
    22: Service.SSH,
    23: Service.TELNET,
    135: None,  # the way to DCOM and RPC
    139: Service.SMB,
    445: Service.SMB,
    2375: Service.DOCKER_API,
    2376: Service.DOCKER_API,
    3389: Service.RDP,
    5985: Service.WINRM,
    5986: Service.WINRM,
    6443: Service.KUBE_API,
    10250: Service.KUBELET,
    **dict.fromkeys(range(5900, 5911), Service.VNC),
}
_PORTS = "|".join(str(port) for port in _SERVICES)
_INBOUND = ("%%14592", "inbound")


def _flow(frame: pl.DataFrame) -> pl.DataFrame:
    """Orient a flow, name its service, and tell an outsider's blocked attempt from the rest."""
    frame = ev.ensure(frame, "src_host", "dst_host")
    inbound = datum("Direction").str.strip_chars().str.to_lowercase().is_in(_INBOUND).fill_null(False)
    ported = datum("Protocol").str.strip_chars().is_in(["6", "17"]).fill_null(False)
    known = [pl.col(name).is_in(list(_SERVICES)).fill_null(False) for name in ("src_port", "dst_port")]
    swapped = inbound & ported & known[0] & ~known[1]
    ends = [(f"src_{part}", f"dst_{part}") for part in ("ip", "port", "host")]
    frame = frame.with_columns(
        pl.when(swapped).then(pl.col(other)).otherwise(pl.col(name)).alias(name) for pair in ends for name, other in (pair, pair[::-1])
    )
    frame = frame.with_columns(pl.when(ported).then(pl.col(name)).alias(name) for name in ("src_port", "dst_port"))
    services = {port: str(service) for port, service in _SERVICES.items() if service is not None}
    to_service = pl.col("dst_port").is_in(list(_SERVICES)).fill_null(False)
    abroad = (
        pl.col("src_ip").is_not_null() & pl.col("src_ip").ne_missing(pl.col("dst_ip")) & ~pl.col("src_ip").str.contains(LOOPBACK).fill_null(False)
    )
    denied = (pl.col("pattern") == "wfp-blocked") & inbound & to_service & abroad
    return frame.with_columns(
        pl.when(denied).then(as_kind(Kind.CONNECTION_DENIED)).otherwise(as_kind(Kind.CONNECTION)).alias("kind"),
        pl.col("dst_port").replace_strict(services, default=None, return_dtype=pl.String).cast(ev.SERVICE).alias("service"),
    )


_ENDS = {"rhost": "SourceAddress", "src_port": "SourcePort", "dhost": "DestAddress", "dst_port": "DestPort", "process": "Application"}
_READS = ("Direction", "Protocol")

MEANINGS: tuple[Meaning, ...] = (
    Meaning("wfp-allowed", (5156,), Kind.CONNECTION, columns=_ENDS, reads=_READS, refine=_flow),
    Meaning(
        "wfp-blocked",
        (5152, 5157),
        Kind.CONNECTION_DENIED,
        columns=_ENDS,
        reads=_READS,
        hint=rf"(?:Source|Dest)Port\x22:\s*\x22?(?:{_PORTS})\b",
        kinds=(Kind.CONNECTION_DENIED, Kind.CONNECTION),
        refine=_flow,
    ),
)

SOURCE = WindowsSource(
    name="windows-filter",
    title="Windows Security log: connections through the filtering platform",
    channels=("Security",),
    meanings=MEANINGS,
    references=("https://learn.microsoft.com/windows/security/threat-protection/auditing/audit-filtering-platform-connection",),
)

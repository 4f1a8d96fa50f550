"""PF, the packet filter of macOS (and the BSDs), as tcpdump writes its log interface.

``rule 4/0(match): block in on en0: 192.0.2.7.51234 > 10.0.0.5.5900: Flags [S], seq 1, win 65535, length 0``

The port stands after a dot; where tcpdump was not told ``-n`` it is a name, and then null. The service is told by the port the packet went to. Only
what the rules log is seen, most often what they block. What is let out from an inner address to a public one's SSH or VNC is ``logon_out``, pattern
``outbound-mac``.

References: pflog(4), pf.conf(5), tcpdump(1)
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind
from gatewatch.schema.platform import OUTBOUND_MAC
from gatewatch.sources.flow import inner, public
from gatewatch.sources.macos_firewall import by_port
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.port import OUTWARD

_QUAD = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_SIX = r"[0-9A-Fa-f]*:[0-9A-Fa-f:]*(?::_QUAD)?(?:%[a-z0-9.]+)?".replace("_QUAD", _QUAD)
_OWN_QUAD = r"(?:10|192\.168|172\.(?:1[6-9]|2[0-9]|3[01])|100)\.[0-9.]{3,11}"
_OWN_SIX = r"f[cd][0-9a-f]{2}:[0-9A-Fa-f:]+"
_PORT = r"[0-9]+|[a-z][a-z0-9_-]*"
_DETAILS = r"(?:\([^>]*\) )?"


def _regexes(act: str, direction: str = "in|out", port: str = "") -> tuple[str, ...]:
    start = (
        rf"^(?:[0-9]{{6}} )?rule (?P<object>[0-9]+)[^ ]*?\([a-z-]+\):? (?:\[[^\[\]]*\] )?{act} (?P<x_direction>{direction}) "
        rf"on (?P<x_interface>[^ :]+): {_DETAILS}(?:IP6? )?"
    )
    if port:
        return tuple(
            rf"{start}(?P<rhost>{own})\.(?P<src_port>{_PORT}) > (?P<dhost>{kind})\.(?P<dst_port>{port}): .*$"
            for own, kind in ((_OWN_QUAD, _QUAD), (_OWN_SIX, _SIX))
        )
    return (
        *(rf"{start}(?P<rhost>{kind})\.(?P<src_port>{_PORT}) > (?P<dhost>{kind})\.(?P<dst_port>{_PORT}): .*$" for kind in (_QUAD, _SIX)),
        *(rf"{start}(?P<rhost>{kind}) > (?P<dhost>{kind}): .*$" for kind in (_QUAD, _SIX)),
    )


PATTERNS: tuple[Pattern, ...] = (
    Pattern("pf-blocked", ("rule ", *(str(digit) for digit in range(10))), _regexes("block"), Kind.CONNECTION_DENIED),
    Pattern(
        OUTBOUND_MAC,
        ("rule ", *(str(digit) for digit in range(10))),
        _regexes("(?:pass|nat)", direction="out", port="|".join(str(port) for port in OUTWARD)),
        Kind.LOGON_OUT,
    ),
    Pattern("pf-passed", ("rule ", *(str(digit) for digit in range(10))), _regexes("(?:pass|rdr|nat|binat)"), Kind.CONNECTION),
)



def finish(events: pl.DataFrame) -> pl.DataFrame:
    """Add the service whose port a connection went to; what went out stays within where its target is no public address."""
    if not {"dst_ip", "src_ip"} <= set(events.columns):
        return by_port(events)
    within = (pl.col("pattern").cast(pl.String) == OUTBOUND_MAC) & ~(inner("src_ip") & public("dst_ip"))
    out = (pl.col("pattern").cast(pl.String) == OUTBOUND_MAC) & ~within
    events = by_port(ev.ensure(events, "host_ip")).with_columns(
        pl.when(within).then(pl.lit(str(Kind.CONNECTION), ev.KIND)).otherwise(pl.col("kind").cast(ev.KIND)).alias("kind"),
        pl.when(within).then(pl.lit("pf-passed")).otherwise(pl.col("pattern").cast(pl.String)).alias("pattern"),
    )
    return events.with_columns(pl.when(out).then("src_ip").otherwise("host_ip").alias("host_ip"))


SOURCE = PatternSource(
    name="macos-pf",
    title="PF, the packet filter",
    programs=("macos-pf", "pf", "pflogd"),
    patterns=PATTERNS,
    finish=finish,
    references=("pflog(4)", "pf.conf(5)", "tcpdump(1)"),
)

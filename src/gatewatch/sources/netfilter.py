r"""Packets that rules of nftables, iptables or ufw logged, in the kernel's messages or ulogd's.

``kernel: [UFW BLOCK] IN=eth0 OUT= MAC=… SRC=203.0.113.9 DST=10.0.0.5 LEN=60 … PROTO=TCP SPT=51514 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0``

What became of a packet stands in no field: the prefix that whoever wrote the rule chose tells it, where it has a word for it (block, drop, deny,
reject; accept, allow, audit). A packet that was turned away is ``connection_denied`` where it would have opened a TCP connection to a port of remote
access, from elsewhere; every other one is a ``connection``, and ``pattern`` says what is known of it. Kernels limit how often they log, so packets
are a sample, never a count.

``host`` is the machine that filters; of a packet it only passes on (``-through``) it is not the target, so ``host_ip`` is filled in only where the
packet was for the machine itself. ``extra`` has prefix and interfaces.

References: iptables-extensions(8), LOG; nft(8), log statement; ufw(8).
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.pattern import Pattern, PatternSource
from gatewatch.sources.port import ALTERNATIVES, NAMED

_SERVICES = {str(port): service for port, service in NAMED.items()}
_STAMP = r"^(?:\[ *[0-9]+\.[0-9]+\] ?)?"
# UniFi and EdgeRouter end the name of their rule with what became of the packet: [WAN_LOCAL-4000-D], [WAN_LOCAL-D-2000] DESCR="…"
_PASSED_ON, _TURNED = r"-A(?:-[0-9]+)?\]", r"-[DRB](?:-[0-9]+)?\]"
_BAD, _GOOD = r"(?i:block|drop|den[iy]|reject|refus|discard)", r"(?i:allow|accept|audit|permit|pass)"
_ENDS = r"(?:[A-Z]+=[^ ]* )*?SRC=(?P<rhost>[0-9A-Fa-f:.]+) DST=(?P<dhost>[0-9A-Fa-f:.]+) "
_TOKENS = r"(?:[A-Z]+(?:=[^ ]*)? )*?"
_PORTS = rf"{_TOKENS}PROTO=(?P<x_proto>TCP|UDP|UDPLITE|SCTP|DCCP|6|17) SPT=(?P<src_port>[0-9]+) DPT=(?P<dst_port>(?P<service>[0-9]+))(?: .*)?$"
_DOOR = (
    rf"{_TOKENS}PROTO=(?P<x_proto>TCP|6) SPT=(?P<src_port>[0-9]+) DPT=(?P<dst_port>(?P<service>{ALTERNATIVES})) "
    r"(?:[A-Z]+=[^ ]* |CWR |ECE )*SYN(?: .*)?$"
)
_OTHER = rf"{_TOKENS}PROTO=(?P<x_proto>[A-Za-z0-9-]+)(?: .*)?$"


_REFUSED = rf"(?:{_BAD}|{_TURNED})"
_DESCRIBED = r'(?: DESCR="[^"]*")?'


def _rule(word: str) -> str:
    """Return the regex of a prefix in which *word* stands."""
    return rf"{_STAMP}(?P<x_rule>[^=]{{0,80}}?{word}[^=]{{0,80}}?){_DESCRIBED}[ :]*IN="


_ANY_RULE = rf"{_STAMP}(?P<x_rule>[^=]{{1,80}}?)?{_DESCRIBED}[ :]*IN="
_IN, _THROUGH = r"(?P<x_in>[^ ]+) OUT= ", r"(?P<x_in>[^ ]+) OUT=(?P<x_out>[^ ]+) "
_OUT = r" OUT=(?P<x_out>[^ ]+) "
_BOTH = r"(?P<x_in>[^ ]+)? OUT=(?P<x_out>[^ ]+)? "

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "passed-in", (), (_rule(_PASSED_ON) + _IN + _ENDS + _PORTS, _rule(_PASSED_ON) + _IN + _ENDS + _OTHER), Kind.CONNECTION, services=_SERVICES
    ),
    Pattern(
        "passed", (), (_rule(_PASSED_ON) + _BOTH + _ENDS + _PORTS, _rule(_PASSED_ON) + _BOTH + _ENDS + _OTHER), Kind.CONNECTION, services=_SERVICES
    ),
    Pattern("blocked-in", (), (_rule(_REFUSED) + _IN + _ENDS + _DOOR,), Kind.CONNECTION_DENIED, services=_SERVICES),
    Pattern("blocked-through", (), (_rule(_REFUSED) + _THROUGH + _ENDS + _DOOR,), Kind.CONNECTION_DENIED, services=_SERVICES),
    Pattern("blocked", (), (_rule(_REFUSED) + _BOTH + _ENDS + _PORTS, _rule(_REFUSED) + _BOTH + _ENDS + _OTHER), Kind.CONNECTION, services=_SERVICES),
    Pattern("allowed-in", (), (_rule(_GOOD) + _IN + _ENDS + _PORTS, _rule(_GOOD) + _IN + _ENDS + _OTHER), Kind.CONNECTION, services=_SERVICES),
    Pattern("allowed", (), (_rule(_GOOD) + _BOTH + _ENDS + _PORTS, _rule(_GOOD) + _BOTH + _ENDS + _OTHER), Kind.CONNECTION, services=_SERVICES),
    Pattern("logged", (), (_ANY_RULE + _BOTH + _ENDS + _PORTS, _ANY_RULE + _BOTH + _ENDS + _OTHER), Kind.CONNECTION, services=_SERVICES),
)

THROUGH = "-through"
"""How the patterns of forwarded packets end."""
_PASSED = r'"in":"[^"]+".*"out":"[^"]+"'
_SHARED = r"^(?:22[4-9]|2[3-5][0-9])\.|\.255$|^ff"


def _own(frame: pl.DataFrame) -> pl.DataFrame:
    """Fill in the address of the machine that a packet was for, unless it was for many; what is no address is no name either.

    A packet that was forwarded was for another machine than the one that filters and tells of it, the ``observer``.
    """
    frame = frame.drop([name for name in ("src_host", "dst_host") if name in frame.columns])
    passed = pl.col("extra").str.contains(_PASSED).fill_null(False)
    target = (pl.col("pattern").str.ends_with("-in") | passed) & ~pl.col("dst_ip").str.contains(_SHARED).fill_null(True)
    return frame.with_columns(
        pl.when(target).then("dst_ip").alias("host_ip"),
        pl.when(~passed).then("host").alias("host"),
        pl.when(passed & ~pl.col("pattern").str.ends_with(THROUGH)).then(pl.col("pattern") + THROUGH).otherwise("pattern").alias("pattern"),
    )


SOURCE = PatternSource(
    name="netfilter",
    title="Linux packet filter (nftables, iptables, ufw)",
    programs=("netfilter", "ulogd"),
    patterns=PATTERNS,
    claims_message=r"(?:^|[^A-Za-z=])IN=[^ ]* OUT=[^ ]* (?:[A-Z]+=[^ ]* )*SRC=[0-9A-Fa-f:.]+ DST=[0-9A-Fa-f:.]+ ",
    finish=_own,
    references=("iptables-extensions(8)", "nft(8)", "ufw(8)"),
)

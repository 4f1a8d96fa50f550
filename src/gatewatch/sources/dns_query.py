r"""Queries that a resolver was asked, as dnsmasq, unbound and BIND write them to syslog: who asked for a hidden service of Tor.

``query[A] abcdef.onion from 10.0.0.6`` (dnsmasq, ``log-queries``), ``[812:0] info: 10.0.0.6 abcdef.onion. A IN`` (unbound, ``log-queries: yes``) and
``client @0x7f1c 10.0.0.6#53211 (abcdef.onion): query: abcdef.onion IN A +E(0)K (10.0.0.2)`` (BIND, ``querylog yes``): a name in ``.onion`` means
``relay_contact``, as no program asks for one that is not meant for Tor. Other names are ignored: the resolver forwards them, and a name is not a
connection. Whoever asked is ``host_ip``; ``observer`` is the resolver, and ``host`` only where it asked itself.

Replies, caches, forwards and the beginning of the service are ignored. Unbound's own file says the same as its lines in syslog.

References: dnsmasq(8), unbound.conf(5), BIND 9 Administrator Reference Manual "The category Phrase" (queries), RFC 7686.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

_ASKER = r"(?P<rhost>[0-9A-Fa-f:.]+)"
_ONION = r"(?i:(?P<object>[a-z0-9.-]{1,240}\.onion))\.?"
_NAME = r"[^ ]{1,255}"
_TYPE = r"\[[A-Z0-9=]+\]"
_SERIAL = r"^(?:[0-9]+ [0-9A-Fa-f:./]+ )?"  # log-queries=extra: a number and the asker before each line
_UNBOUND = r"^\[[0-9]+:[0-9a-f]+\] "
_BIND = r"^(?:queries: )?(?:info: )?client (?:@0x[0-9a-f]+ )?"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "onion-query",
        ("query[", *"0123456789", "[", "client ", "queries: ", "info: client"),
        (
            rf"{_SERIAL}query{_TYPE} {_ONION} from {_ASKER}$",
            rf"{_UNBOUND}(?:info|query): {_ASKER} {_ONION} [A-Z0-9]+ IN(?: [^ ]+)*$",
            rf"{_BIND}{_ASKER}#[0-9]+(?: \([^ )]*\))?: (?:view [^ :]+: )?query: {_ONION} IN [A-Z0-9]+ [+-][A-Z0-9()]*(?: \([^ )]*\))?$",
        ),
        Kind.RELAY_CONTACT,
        set={"service": str(Service.TOR)},
    ),
    Pattern(
        "dns-query",
        ("query[", *"0123456789", "[", "client ", "queries: ", "info: client"),
        (
            rf"{_SERIAL}query{_TYPE} {_NAME} from ",
            rf"{_UNBOUND}(?:info|query): [0-9A-Fa-f:.]+ {_NAME} [A-Z0-9]+ (?:IN|CH|HS|ANY)(?: |$)",
            rf"{_BIND}[0-9A-Fa-f:.]+#[0-9]+(?: \([^ )]*\))?: (?:view [^ :]+: )?query: ",
        ),
        why="a name that is not Tor's: what was done with it, other logs say",
    ),
    Pattern(
        "dns-answer",
        ("reply ", "cached ", "forwarded ", "config ", "/etc/hosts ", "/", "gravity ", "validation ", "dnssec-", "cached-stale", "special domain"),
        (
            r"^(?:reply|cached(?:-stale)?|forwarded|config|gravity blocked|special domain|validation|dnssec-query\[[A-Z0-9=]+\]) ",
            r"^/[^ ]* [^ ]+ is ",
        ),
        why="what the resolver answered",
    ),
    Pattern(
        "dns-service",
        ("started", "compile time", "using ", "reading ", "read ", "exiting", "DNSSEC ", "[", "cache size", "query log", "listening on", "zone "),
        (
            r"^(?:started|compile time|using|reading|read|exiting|DNSSEC|cache size|query log|listening on|zone) ?",
            rf"{_UNBOUND}(?:notice|info|warning|error|debug): ",
        ),
        why="the resolver's own service",
    ),
)


def _asked(frame: pl.DataFrame) -> pl.DataFrame:
    """Make whoever asked the host; the resolver is the observer, and the host only where it asked itself."""
    if "src_ip" not in frame.columns:
        return frame
    own = pl.col("src_ip").cast(pl.String).str.contains(r"^(?:127\.|::1$)").fill_null(value=False)
    frame = frame.with_columns(pl.when(~own).then("src_ip").alias("host_ip"), pl.when(own).then("host").alias("host"))
    return frame.drop([name for name in ("src_ip", "src_host") if name in frame.columns])


SOURCE = PatternSource(
    name="dns-query",
    title="dnsmasq, unbound and BIND: queries",
    programs=("dnsmasq", "unbound", "named", "pihole-FTL"),
    patterns=PATTERNS,
    finish=_asked,
    references=("dnsmasq(8)", "unbound.conf(5)", "BIND 9 Administrator Reference Manual", "RFC 7686"),
)

r"""Tor's own log, ``notices.log`` or syslog under ``Tor``: that it runs, with what configuration, and what it offers to the inside and the outside.

``Tor 0.4.8.9 running on Linux with Libevent 2.1.12-stable, OpenSSL 3.0.2, Zlib 1.2.11 …`` · ``Opening Socks listener on 127.0.0.1:9050``
``Tor 0.4.8.9 running on Windows 10 with …`` · ``Read configuration file "C:\ProgramData\svc\torrc".``

A hidden service is reached by way of relays, so no line names who comes in: they arrive from the loopback address of the host, at the service that
the hidden service leads to. ``object`` is what began or was read, ``extra.system`` the system Tor says it runs on.

=======================================================  =======================================================================
line                                                     becomes
=======================================================  =======================================================================
Tor … running on …                                       ``service_start`` of ``tor``
Read configuration file …                                ``config_change`` of that file
Permissions on directory …, onion service received …     ``config_change`` of that directory or of ``hidden service``: it offers one
Opening … listener on …                                  ``service_start`` of that listener, ``tor-socks-listener``
Bootstrapped 100%                                        ``relay_contact``: the host has reached the network; earlier steps are ignored
=======================================================  =======================================================================

References: tor(1), https://support.torproject.org, torspec (rend-spec-v3)
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

_LEVEL = r"^\[(?:debug|info|notice|warn|err)\] "

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "tor-running",
        ("Tor ",),
        (r"^Tor v?(?P<x_version>[0-9][!-~]*)(?: \([^)]*\))? (?:opening new log file|running on (?P<x_system>[^,]*?) with Libevent .*)\.?$",),
        Kind.SERVICE_START,
        set={"object": "tor"},
    ),
    Pattern("tor-starting", ("Tor ",), (r"^Tor v?[0-9][!-~]*(?: \([^)]*\))?[,.] ",), why="the version, before the log is open; told when it runs"),
    Pattern("tor-configuration", ("Read configu",), (r'^Read configuration file "(?P<object>.*)"\.$',), Kind.CONFIG_CHANGE),
    Pattern(
        "tor-no-configuration",
        ("Configuratio",),
        (r'^Configuration file ".*" not present, using reasonable defaults\.$',),
        why="there is no such file",
    ),
    Pattern(
        "tor-hidden-service",
        ("Permissions ", "Fixing permi", "Directory ", "Heartbeat: O", "Our onion se"),
        (
            r"^(?:Fixing permissions on directory|Permissions on directory|Directory) (?P<object>[^ ]*(?i:hidden|onion|[/\\\\]hs)[^ ]*?)(?: .*)?$",
            r"^(?:Heartbeat: )?Our onion services? received (?:[0-9]+ v2 and )?(?P<x_introductions>[0-9]+) v3 INTRODUCE2 cells",
        ),
        Kind.CONFIG_CHANGE,
    ),
    Pattern(
        "tor-listener",
        ("Opening ",),
        (r"^Opening (?P<object>[A-Za-z]+) listener on (?:\[?[0-9A-Fa-f.:]+\]?:(?P<dst_port>[0-9]{1,5})|[!-~]+)$",),
        Kind.SERVICE_START,
    ),
    Pattern("tor-connected", ("Bootstrapped",), (r"^Bootstrapped 100%(?: \([a-z_]+\))?: Done\.?$",), Kind.RELAY_CONTACT),
    Pattern("tor-bootstrapping", ("Bootstrapped",), (r"^Bootstrapped [0-9]{1,2}%",), why="a step on the way to the network"),
    Pattern(
        "tor-course",
        (),
        (
            (
                r"^(?:Opened |Parsing GEOIP |Starting with guard |Heartbeat: |Our |While |Delaying |Closing |Catching |Received |Interrupt|"
                r"Clean shutdown|Initialized |Have |I learned |We |New control |Scheduler |Since |Average |Circuit |Guard |No |Your |You |The |"
                r"Tried |Problem |Could not |Failed |Not |This |Ignor|Self-testing|Now checking|Performing |Choosing |Rend|Pluggable |"
                r"Managed |Application |Socks |"
                r"Path |Processing|Bridge |Signaled|Wow|Configured |Configuration|Sandbox|Can't |Tor has |Tor can't |Tor is |Tor was |Tor disabled |"
                r"Unable |Warning |Based |Enough |Looks |Detected |Caching|Cleaning |DoS |Removed |Resolved |Renaming |Loaded )"
            ),
        ),
        why="the course of its connections, or about itself",
    ),
)


def _bare(records: pl.DataFrame) -> pl.DataFrame:
    """Drop the level before the text, and the name of the function that some levels add."""
    return records.with_columns(pl.col("message").str.replace(_LEVEL, "").str.replace(r"^[a-z_0-9]+\(\): ", ""))


def _named(events: pl.DataFrame) -> pl.DataFrame:
    """Name listeners as such, and a hidden service whose directory is not told."""
    if "object" not in events.columns:
        return events
    listener = pl.concat_str(pl.lit("tor-"), pl.col("object").str.to_lowercase(), pl.lit("-listener"))
    pattern = pl.col("pattern").cast(pl.String)
    return events.with_columns(
        pl.when(pattern == "tor-listener")
        .then(listener)
        .when(pattern == "tor-hidden-service")
        .then(pl.col("object").fill_null("hidden service"))
        .otherwise("object")
        .alias("object")
    )


SOURCE = PatternSource(
    name="tor",
    title="Tor",
    programs=("tor", "Tor"),
    patterns=PATTERNS,
    service=Service.TOR,
    claims=r"^[Tt]or[-@][!-~]+$",
    prepare=_bare,
    finish=_named,
    references=("tor(1)", "https://support.torproject.org"),
)

"""The text of macOS ``log show``: the unified log in its styles ``syslog``, ``compact`` and the default; ``security.log`` of older systems.

``2026-06-29 15:54:42.063082+0200  localhost sshd[3186]: Failed password for ann from 192.0.2.7 port 50022 ssh2``
``2026-06-29 15:54:42.063 Df screensharingd[600:1a2b] Authentication: SUCCEEDED :: User Name: ann :: …``
``2026-06-29 15:54:42.063082+0200 0x1a2b     Default     0x0                  3186   0    sshd: Failed password for …``

The program gets the prefix ``macos:``, so that a line of this log goes to the sources of macOS and one of a Linux host never does. ``localhost``
is how the log calls every Mac: it is no name. A library's name and ``[subsystem:category]`` before the text are dropped. The lines that the command
writes around the records become records of :data:`SHOW`.

References: log(1)
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.header import TextFraming, take
from gatewatch.schema.framing import Framing

PREFIX = "macos:"
SHOW = "log-show"

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3,6}"
_STAMP = rf"(?P<stamp>{_DATE})(?P<zone>[+-][0-9]{{4}})"
_TYPE = r"[A-Z][A-Za-z]?"
_LIBRARY = r"\([A-Za-z0-9_.+-]+\) "
_TAG = r"\[[A-Za-z0-9._-]+:[^\[\]]*\] "
_TEXT = rf"(?:{_LIBRARY}{_TAG}|{_TAG}|\([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*\.dylib\) )?(?P<message>.*)$"
_PREAMBLE = (
    r"Timestamp +(?:Thread +Type|Ty +Process|\(process\))|Filtering the log data using |Skipping (?:info|debug)|-{60,}$|"
    r"Log {3,}- Default: |Activity {1,}- Create: |\{\"count\":[0-9]+,\"finished\":[01]\}$"
)
GATE = (
    rf"^(?:{_DATE}(?:[+-][0-9]{{4}}(?:  [!-~]| localhost | +0x[0-9a-f]+ )|"
    rf"(?:[+-][0-9]{{4}})? +{_TYPE} +[^\[\]]{{1,100}}\[[0-9]+:[0-9a-f]+\] )|{_PREAMBLE})"
)
_FRAMINGS = (
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^{_STAMP}(?:  (?P<host>[!-~]+)| localhost) +(?P<program>[^\[\]:]+)\[(?P<pid>[0-9]+)\](?: <[A-Za-z]+>)?: ?{_TEXT}",
        "iso",
    ),
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^{_STAMP} +0x[0-9a-f]+ +[A-Z][A-Za-z ]*? +0x[0-9a-f]+ +(?P<pid>[0-9]+) +(?:[0-9]+ +)?(?:\[[^\[\]]*\] )?(?P<program>[^:\[\]]+): {_TEXT}",
        "iso",
    ),
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^(?P<stamp>{_DATE})(?P<zone>[+-][0-9]{{4}})? +{_TYPE} +(?P<program>[^\[\]:]+)\[(?P<pid>[0-9]+):[0-9a-f]+\] {_TEXT}",
        "iso",
    ),
    TextFraming(Framing.SYSLOG_ISO, rf"^(?P<message>(?:{_PREAMBLE}).*)$", "none", SHOW),
)

_BSD = r"[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
SECURITY_GATE = rf"^{_BSD} (?:[^ \[\]]+\[[0-9]+\] <[A-Z][a-z]+> \[|--- last message repeated )"
_SECURITY = (
    TextFraming(Framing.SYSLOG_BSD, rf"^(?P<stamp>{_BSD}) (?P<program>[^ \[\]]+)\[(?P<pid>[0-9]+)\] <[A-Za-z]+> (?P<message>\[.*)$", "bsd"),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?P<stamp>{_BSD}) (?P<message>--- last message repeated [0-9]+ times? ---)$", "bsd"),
)


def take_unified(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines* in a style of ``log show`` (:data:`FRAMED`), and the other lines."""
    return _taken(_FRAMINGS, lines)


def take_security(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines* of ``security.log`` and the repeats that stand without a host, and the other lines."""
    return _taken(_SECURITY, lines)


def _taken(framings: tuple[TextFraming, ...], lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    parts = []
    for framing in framings:
        if not lines.height:
            break
        taken, lines = take(framing, lines)
        if taken.height:
            parts.append(
                taken.with_columns(
                    pl.when(pl.col("host") != "localhost").then("host").alias("host"),
                    (pl.lit(PREFIX) + pl.col("program").str.strip_chars(" ")).alias("program"),
                )
            )
    return (pl.concat(parts).sort("record") if parts else pl.DataFrame(schema=FRAMED)), lines

r"""The logs that VNC servers of Linux write themselves: Xvnc and its kin, libvncserver's (x11vnc, vino) and websockify's.

TigerVNC's Xvnc writes the date on a line of its own, whenever it has changed, and the text below it, indented:

``Mon Jan  5 12:00:00 2026``
`` Connections: accepted: 203.0.113.7::51234``

x11vnc, vino and TightVNC: ``05/01/2026 12:00:00 Got connection from client 203.0.113.7``. KasmVNC:
``2026-01-05 12:00:00,123 [PRIO] Connections: accepted: 203.0.113.7::51234``. websockify: ``203.0.113.7 - - [05/Jan/2026 12:00:00] connecting to: …``.

None of them names host or program: records are of program ``Xvnc``, ``x11vnc`` or ``websockify``. An indented line without a date before it in the
block has no time. TightVNC of old writes years of two digits, which are read as of this century. Dates alone, and lines that begin like those of
x11vnc, are taken for a VNC server's only in a block that has lines no other program writes.

References: Xvnc(1), x11vnc(1), https://github.com/novnc/websockify
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.header import TextFraming, take
from gatewatch.schema.framing import Framing

XVNC, X11VNC, WEBSOCKIFY = "Xvnc", "x11vnc", "websockify"
_DATE = r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [12][0-9]{3}"
_LOGS = (
    r"(?:Connections|SConnection|VNCSConnST|VNCServerST|SVncAuth|SSecurity[A-Za-z]*|TcpSocket|vncext|XserverDesktop|EncodeManager|"
    r"ComparingUpdateTracker|Selection|Input|XDesktop|HTTPServer|Blacklist|Clipboard|PollingManager|InputXKB)"
)
_DMY = r"[0-9]{2}/[0-9]{2}/[0-9]{2}(?:[0-9]{2})? [0-9]{2}:[0-9]{2}:[0-9]{2}"
_TELLING = r"(?:\[IPv[46]\] )?(?:Got connection from client |rfb[A-Z][A-Za-z]+: |Listening for VNC connections |x11vnc |Xvnc |[A-Za-z-]+ auth)"
_PRIO = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}(?:,[0-9]{3})? \[[A-Z]+\] "
_PEER = r"[0-9A-Fa-f.:]+ - - \["
_COMMON = r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}"
_ABOVE = "\x1f"
GATE = rf"^(?:{_DATE}$| +{_LOGS}: |{_DMY} [^ ]|{_PRIO} *{_LOGS}: |{_PEER}{_COMMON}\] )"
_FRAMINGS = (
    TextFraming(Framing.SYSLOG_BSD, rf"^(?P<stamp>[A-Z][a-z]{{2}} [ 0-9]?[0-9] [0-9:]{{8}} [12][0-9]{{3}}){_ABOVE} *(?P<message>.*)$", "ctime", XVNC),
    TextFraming(Framing.SYSLOG_BSD, rf"^ +(?P<message>{_LOGS}: .*)$", "none", XVNC),
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^(?P<stamp>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} [0-9:]{{8}}(?:,[0-9]{{3}})?) \[[A-Z]+\] +(?P<message>{_LOGS}: .*)$",
        "iso",
        XVNC,
    ),
    TextFraming(Framing.SYSLOG_ISO, r"^(?P<stamp>[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9:]{8}) (?P<message>.*)$", "day-first", X11VNC),
    TextFraming(Framing.SYSLOG_ISO, rf"^(?P<message>{_PEER}(?P<stamp>{_COMMON})\] .*)$", "common", WEBSOCKIFY),
)


def take_vnc(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines* in one of these forms (:data:`FRAMED`), and the other lines."""
    text = pl.col("line")
    sure = [lines.select(text.str.contains(regex).any()).item() for regex in (rf"^ +{_LOGS}: ", rf"^{_DMY} {_TELLING}")]
    foreign = [regex for regex, found in zip((rf"^{_DATE}$", rf"^{_DMY} "), sure, strict=True) if not found]
    if foreign:
        lines, others = lines.filter(~text.str.contains("|".join(foreign))), lines.filter(text.str.contains("|".join(foreign)))
        if others.height:
            taken, left = take_vnc(lines) if lines.height else (pl.DataFrame(schema=FRAMED), lines)
            return taken, pl.concat([left, others]).sort("record")
    dated = text.str.contains(rf"^{_DATE}$")
    stamp = pl.when(dated).then(text.str.slice(4)).forward_fill()
    short = text.str.replace(r"^([0-9]{2}/[0-9]{2}/)([0-9]{2} )", "${1}20${2}")
    below = text.str.contains(rf"^ +{_LOGS}: ") | dated
    rest = lines.with_columns(
        pl.when(below & stamp.is_not_null()).then(pl.concat_str(stamp, pl.lit(_ABOVE), pl.when(dated).then(pl.lit("date")).otherwise(text)))
        .otherwise(short)
        .alias("line")
    )  # fmt: skip
    parts = []
    for framing in _FRAMINGS:
        if not rest.height:
            break
        taken, rest = take(framing, rest)
        if taken.height:
            parts.append(taken)
    if not parts:
        return pl.DataFrame(schema=FRAMED), lines
    found = pl.concat(parts).sort("record")
    return found, lines.filter(~pl.col("record").is_in(found["record"].implode()))

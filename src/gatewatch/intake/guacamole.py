r"""Apache Guacamole's web application in Tomcat's output: its own lines bear the time of day, Tomcat's around them the date.

``05-Jan-2026 11:59:58.000 INFO [main] org.apache.catalina.startup.Catalina.start Server startup in [4711] milliseconds``
``12:00:00.123 [http-nio-8080-exec-3] INFO  o.a.g.r.auth.AuthenticationService - User "ann" successfully authenticated from 203.0.113.7.``

A line without a date takes that of the lines before it in the block, a day on where the clock went back over midnight; without any it has no time
(collect it through the journal, or ``docker logs --timestamps``). A stamp with a date, as a ``logback.xml`` of the site may write, is read as it
stands, as is a container runtime's before it. guacd on a console writes ``guacd[4711]: INFO:<tab>…``, which is read with a stamp before it.
Before version 0.9 the application wrote by java.util.logging, whose stamp stands on a line above the text:

``Jan 05, 2026 12:00:00 PM org.slf4j.impl.JCLLoggerAdapter warn``
``WARNING: Authentication attempt from 203.0.113.7 for user "ann" failed.``

Programs: ``guacamole``, ``guacd``, ``tomcat``.

References: https://guacamole.apache.org/doc/gug/configuring-guacamole.html
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.header import ISO, TextFraming, take
from gatewatch.schema.framing import Framing

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"
_TEXT = r"\[[^\]]{1,80}\] +(?:TRACE|DEBUG|INFO|WARN|ERROR) +o\.a\.g\.[A-Za-z.$]+ - "
_JULI = r"[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4}"
_RUNTIME = r"std(?:out|err) [FP] "
_GUACD = r"guacd\[[0-9]+\]: (?:TRACE|DEBUG|INFO|WARNING|ERROR):[ \t]"
_STAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_JUL = r"[A-Z][a-z]{2} [0-9]{1,2}, [12][0-9]{3} [0-9]{1,2}:[0-9]{2}:[0-9]{2} [AP]M"
_JUL_TEXT = r"(?:SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST): "
_LOGGED_ON = r'(?:User )?"?[^"]*"? (?:successfully authenticated|logged in) from '
_JUL_OWN = rf"(?:SEVERE|WARNING|INFO): (?:Authentication attempt from |{_LOGGED_ON})"
GATE = (
    rf"^(?:{_JUL} [a-z][A-Za-z0-9_.$]+ [A-Za-z0-9_$<>]+$|{_JUL_TEXT}|{_JULI} {_CLOCK} [A-Z]+ \[|"
    rf"(?:{_STAMP} (?:{_RUNTIME})?)?(?:{_CLOCK} {_TEXT}|{_GUACD})|{_STAMP} {_TEXT})"
)
_DATED = (
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} (?:{_RUNTIME})?(?:{_CLOCK} )?(?P<message>{_TEXT}.*)$", "iso", "guacamole"),
    TextFraming(
        Framing.SYSLOG_ISO,
        rf"^{ISO} (?:{_RUNTIME})?(?P<program>guacd)\[(?P<pid>[0-9]+)\]: (?P<message>(?:TRACE|DEBUG|INFO|WARNING|ERROR):[ \t].*)$",
        "iso",
    ),
)
_TOMCAT_OWN = TextFraming(Framing.SYSLOG_ISO, rf"^(?P<stamp>{_JULI} {_CLOCK}) (?P<message>{_TEXT}.*)$", "juli", "guacamole")
_TOMCAT = TextFraming(Framing.SYSLOG_ISO, rf"^(?P<stamp>{_JULI} {_CLOCK}) (?P<message>[A-Z]+ \[.*)$", "juli", "tomcat")
_ABOVE = "\x1f"
_LOGGER = TextFraming(Framing.SYSLOG_ISO, rf"^(?P<stamp>{_JUL}){_ABOVE}(?P<message>.*)$", "java", "guacamole")
_BARE = TextFraming(Framing.SYSLOG_ISO, r"^(?P<message>.*)$", "none", "guacamole")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def take_guacamole(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines* in one of these forms (:data:`FRAMED`), and the other lines."""
    parts = []
    lines, foreign = _joined(lines)
    rest = lines.with_columns(pl.Series("line", _with_days(lines["line"].to_list()), dtype=pl.String))
    for framing in (*_DATED, _TOMCAT_OWN, _TOMCAT, _LOGGER):
        if not rest.height:
            break
        taken, rest = take(framing, rest)
        if taken.height:
            parts.append(taken)
    bare = rest.filter(pl.col("line").str.contains(rf"^{_CLOCK} {_TEXT}"))
    if bare.height:
        taken, _ = take(_BARE, bare.with_columns(pl.col("line").str.slice(13)))
        parts.append(taken)
    if not parts:
        return pl.DataFrame(schema=FRAMED), foreign
    found = pl.concat(parts).sort("record")
    return found, foreign.filter(~pl.col("record").is_in(found["record"].implode()))


def _joined(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return *lines* with the stamp that java.util.logging writes above a text put before it, and *lines* as they were.

    Only a block in which Guacamole itself logs on that way is read so: any program of Java may write these lines.
    """
    text = pl.col("line")
    dated = text.str.contains(rf"^{_JUL} ")
    told = text.str.contains(f"^{_JUL_TEXT}")
    if not lines.select((text.str.contains(f"^{_JUL_OWN}") & dated.shift(1)).any()).item():
        return lines.filter(~(dated | told)), lines
    stamp = pl.when(dated).then(text.str.extract(f"^({_JUL})"))
    next_to = (pl.col("record") - pl.col("record").shift(1)) == 1
    above = pl.when(next_to).then(stamp.shift(1))
    put = (
        pl.when(dated)
        .then(pl.concat_str(stamp, pl.lit(f"{_ABOVE}INFO [stamp]")))
        .when(told & above.is_not_null())
        .then(pl.concat_str(above, pl.lit(_ABOVE), text))
    )
    return lines.with_columns(pl.coalesce(put, text).alias("line")), lines


def _with_days(lines: list[str]) -> list[str]:
    """Return *lines* with the day put before those that have the time of day only, as far as it is known."""
    day: date | None = None
    clock = ""
    made = []
    for line in lines:
        if len(line) > 24 and line[2:3] == "-":
            day, clock = _day(line) or day, line[12:24]
        elif len(line) > 13 and line[2:3] == ":" and line[12:13] == " " and day is not None:
            if line[:2] < clock[:2] and line[:2].isdigit() and int(clock[:2]) - int(line[:2]) >= 12:
                day += timedelta(days=1)
            clock = line[:12]
            made.append(f"{day.day:02}-{_MONTHS[day.month - 1]}-{day.year:04} {line}")
            continue
        made.append(line)
    return made


def _day(line: str) -> date | None:
    """Return the day that *line* of Tomcat begins with."""
    try:
        return date(int(line[7:11]), _MONTHS.index(line[3:6]) + 1, int(line[:2]))
    except ValueError:
        return None

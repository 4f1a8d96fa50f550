r"""Excerpts of Windows data: ports of endpoints, names and addresses inside a text, and what a rendered message says.

Some exports (NXLog, Event Viewer's CSV, forwarded syslog) carry an event's rendered message and not its UserData. The regexes made here find a
datum in it by its place, as the words around it are in the language of the system::

    Remotedesktopdienste: Sitzungsanmeldung erfolgreich:

    Benutzer: CORP\ann
    Sitzungs-ID: 2
    Quellnetzwerkadresse: 192.0.2.7
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.sources.resolver import resolve_host, resolve_user

_PORT = r"^(?:\[[^\]]*\]|[^:]*):([0-9]{1,5})$"
ENDPOINT = r"((?:\[[0-9A-Fa-f:.%]+\]|[0-9]{1,3}(?:\.[0-9]{1,3}){3}):[0-9]{1,5})"
ADDRESS = r"([0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]+:[0-9A-Fa-f.]+|::[0-9A-Fa-f.:]*[0-9A-Fa-f])"
LAST_NUMBER = r"([0-9]+)[^0-9]*$"
FIRST_NUMBER = r"^[^0-9]*([0-9]+)"


def line(place: int) -> str:
    """Return the regex of the value on line *place* (from 0) after the first empty line of a message.

    >>> import re
    >>> [re.search(line(n), "Succeeded:\\r\\n\\r\\nUser: CORP\\\\ann\\r\\nSession ID: 2\\r\\n")[1] for n in (0, 1)]
    ['CORP\\\\ann', '2']
    """
    return rf"\n[ \t\r]*\n(?:[^\n]*\n){{{place}}}[^\n:\x{{ff1a}}]*[:\x{{ff1a}}][ \t]*([^\r\n]*)".replace(r"\x{ff1a}", "\uff1a")


def quoted(place: int) -> str:
    """Return the regex of the text between the quotation marks number *place* (from 0) of a message."""
    return rf'^(?:[^"“”„]*["“„][^"“”„]*["“”]){{{place}}}[^"“”„]*["“„]([^"“”„]*)["“”]'


def port(values: pl.Expr) -> pl.Expr:
    """Return the port of endpoints such as ``192.0.2.7:50022`` and ``[2001:db8::7]:50022``; null where there is none."""
    found = values.str.strip_chars().str.extract(_PORT, 1).cast(pl.UInt16, strict=False)
    return pl.when(found != 0).then(found)


def session(prefix: str, values: pl.Expr) -> pl.Expr:
    """Return numbers as session ids ``<prefix>:<number>``; null where there is no number."""
    return (pl.lit(f"{prefix}:") + values.str.strip_chars().str.extract(r"^([0-9]+)$", 1)).alias("session")


def with_user(frame: pl.DataFrame, names: pl.Expr) -> pl.DataFrame:
    """Return *frame* with ``user`` and ``user_domain`` made of *names*."""
    return frame.with_columns(resolve_user(frame.select(names.alias("n"))["n"], "user"))


def with_source(frame: pl.DataFrame, places: pl.Expr) -> pl.DataFrame:
    """Return *frame* with ``src_ip`` or ``src_host`` made of *places*."""
    return frame.with_columns(resolve_host(frame.select(places.alias("n"))["n"], "src_ip", "src_host"))


def with_target(frame: pl.DataFrame, places: pl.Expr) -> pl.DataFrame:
    """Return *frame* with ``dst_ip`` or ``dst_host`` made of *places*."""
    return frame.with_columns(resolve_host(frame.select(places.alias("n"))["n"], "dst_ip", "dst_host"))


def silenced(frame: pl.DataFrame, *reasons: tuple[pl.Expr, str]) -> pl.DataFrame:
    """Return *frame* with the rows where an expression holds ignored for its reason; the first that holds counts."""
    kind, pattern = pl.col("kind"), pl.col("pattern")
    for condition, reason in reversed(reasons):
        holds = condition.fill_null(False)
        kind = pl.when(holds).then(pl.lit(None, ev.KIND)).otherwise(kind)
        pattern = pl.when(holds).then(pl.lit(reason)).otherwise(pattern)
    return frame.with_columns(kind.alias("kind"), pattern.alias("pattern"))


def blank(name: str) -> pl.Expr:
    """Return whether the raw datum *name* (of a frame that ``refine`` gets) is absent, empty or ``-``."""
    value = pl.col(f"x_{name}").str.strip_chars()
    return (value.is_null() | value.is_in(["", "-"])).fill_null(True)

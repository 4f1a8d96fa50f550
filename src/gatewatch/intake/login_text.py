r"""Login records as text: what ``utmpdump``, ``last -F`` and ``lastb -F`` print.

::

    [7] [01234] [ts/0] [ann     ] [pts/0       ] [192.0.2.7           ] [192.0.2.7      ] [2026-01-05T12:00:00,123456+00:00]
    ann      pts/0        192.0.2.7        Mon Jan  5 12:00:00 2026 - Mon Jan  5 12:30:00 2026  (00:30)

They become records as those of the files do (:mod:`.utmp`): ``program`` is ``btmp`` for failed logins, which stand on no terminal, else ``wtmp``, the
values are in ``fields``. Of a line of ``last``, the beginning of the session is the record. A failed name that no account would bear may be a
password: it is masked.

References: utmpdump(1), last(1)
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.header import ISO, TextFraming, take
from gatewatch.intake.utmp import REDACTED
from gatewatch.schema.framing import Framing

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_C_TIME = rf"[A-Z][a-z]{{2}} (?P<stamp>[A-Z][a-z]{{2}} [ 0-9]?[0-9] {_CLOCK} [12][0-9]{{3}})"
_DUMP = r"^\[(?P<type>[0-9])\] \[(?P<pid>[0-9]{5,7})\] \[(?P<id>[^\]]{4})\] \[(?P<user>[^\]]{8,32})\] \[(?P<tty>[^\]]{12})\] "
_DUMP += r"\[(?P<peer>[^\]]{20,})\] \[(?P<addr>[^\]]{15,})\] "
_LAST = r"^(?P<user>[^ ]+) +(?P<tty>(?:pts|tty|ssh|ftpd?|:)[^ ]*) +(?P<peer>[^ ]+) +"
_FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"{_DUMP}\[{ISO} *\] *$", "iso"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_DUMP}\[{_C_TIME}(?P<zone> [A-Z]{{3,4}})? *\] *$", "ctime"),
    TextFraming(Framing.SYSLOG_BSD, rf"{_LAST}{_C_TIME} (?:- |  still logged in|  gone - no logout).*$", "ctime"),
    TextFraming(Framing.SYSLOG_ISO, rf"{_LAST}{ISO} *(?:- |still logged in|gone - no logout).*$", "iso"),
)
GATE = (
    r"^(?:\[[0-9]\] \[[0-9]{5,7}\] \[|[^ ]+ +(?:pts/|tty|ssh|ftpd?|:)[^ ]* +[^ ]+ +"
    rf"(?:[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ 0-9]?[0-9] {_CLOCK} [12]|[0-9]{{4}}-))"
)
_NAMES = ("EMPTY", "RUN_LVL", "BOOT_TIME", "NEW_TIME", "OLD_TIME", "INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS", "DEAD_PROCESS", "ACCOUNTING")
_TYPES = {str(number): name for number, name in enumerate(_NAMES)}
_ACCOUNT = r"^[A-Za-z0-9_.@\\-]{1,32}\$?$"


def take_logins(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of those *lines* that are login records in text, and the other lines."""
    parts = []
    for framing in _FRAMINGS:
        if not lines.height:
            break
        taken, left = take(framing, lines)
        if taken.height:
            parts.append(_shape(taken, lines.join(taken.select("record"), on="record", how="semi", maintain_order="left"), framing.regex))
        lines = left
    return (pl.concat(parts, how="diagonal").sort("record") if parts else pl.DataFrame(schema=FRAMED)), lines


def _shape(taken: pl.DataFrame, lines: pl.DataFrame, regex: str) -> pl.DataFrame:
    """Give the records *taken* from *lines* by *regex* their program, message and fields."""
    groups = lines.select(pl.col("line").str.extract_groups(regex).alias("g")).unnest("g")

    def group(name: str) -> pl.Expr:
        return pl.col(name).str.strip_chars(" ").fill_null("").alias(name) if name in groups.columns else pl.lit("").alias(name)

    told = groups.select(*(group(name) for name in ("type", "pid", "id", "user", "tty", "peer", "addr")))
    failed = (pl.col("tty").str.ends_with("notty") | ((pl.col("type") == "6") & (pl.col("peer") != ""))).alias("failed")
    told = told.with_columns(failed)
    kind = pl.when(pl.col("type") == "").then(pl.lit("USER_PROCESS")).otherwise(pl.col("type").replace_strict(_TYPES, default="EMPTY"))
    user = pl.when(pl.col("failed") & ~pl.col("user").str.contains(_ACCOUNT)).then(pl.lit(REDACTED)).otherwise("user")
    told = told.with_columns(kind.alias("type"), user.alias("user"), pl.col("pid").cast(pl.Int64, strict=False).fill_null(0))
    told = told.with_columns(pl.when(~pl.col("addr").str.contains(r"^[0.:]*$")).then("addr").alias("addr"))
    fields = pl.struct("type", "pid", pl.col("tty").alias("line"), "id", "user", pl.col("peer").alias("host"), "addr").struct.json_encode()
    message = pl.concat_str("type", pl.lit(" user="), "user", pl.lit(" line="), "tty", pl.lit(" host="), "peer")
    made = told.select(
        pl.when("failed").then(pl.lit("btmp")).otherwise(pl.lit("wtmp")).alias("program"),
        pl.when(pl.col("pid") > 0).then(pl.col("pid").cast(pl.String)).alias("pid"),
        message.alias("message"),
        fields.alias("fields"),
    )
    return taken.with_columns(made)

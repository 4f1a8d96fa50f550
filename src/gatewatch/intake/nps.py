r"""Lines of the text logs of Microsoft's Network Policy Server, in each of its three formats.

``"NPS01","IAS",01/05/2026,12:00:00,1,"CORP\ann",…`` (for databases), ``<Event><Timestamp data_type="4">01/05/2026 12:00:00.123</Timestamp>…`` (DTS),
``10.0.0.2,CORP\ann,01/05/2026,12:00:00,IAS,NPS01,4,10.0.0.2,31,203.0.113.7,…`` (IAS). The stamp is part of the text, a wall clock of the server, and
read by :mod:`gatewatch.sources.nps`.

References: https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/cc771748(v=ws.10)
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.header import TextFraming, take
from gatewatch.schema.framing import Framing

PROGRAM = "nps"
_WHEN = r"[0-9]{2}/[0-9]{2}/[12][0-9]{3},[0-9]{2}:[0-9]{2}:[0-9]{2}"
GATE = rf'^(?:"[^",]*","(?:IAS|NPS|RAS)",{_WHEN},|<Event><Timestamp data_type="4">|[0-9A-Fa-f.:]+,[^,]*,{_WHEN},(?:IAS|NPS),)'
_ELEMENT = r"^[ \t]*<[A-Za-z0-9._-]{1,100} data_type=\"[0-9]+\">[^<]*</[A-Za-z0-9._-]{1,100}>[ \t]*$"
_BEGIN, _END = r"^[ \t]*<Event>[ \t]*$", r"^[ \t]*</Event>[ \t]*$"
SPREAD = rf"{_BEGIN}|{_END}|{_ELEMENT}"
WITHIN = "<within/>"
"""What stands for a line that was put to the first line of its event."""
FRAMINGS = (TextFraming(Framing.SYSLOG_ISO, r"^(?P<message>.*)$", "none", PROGRAM),)


def take_spread(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of events that stand over several *lines*, the first of which bears the whole text, and the other lines.

    An event whose beginning or end lies outside the block stays lines that nobody reads.
    """
    text = pl.col("line")
    begins, ends = text.str.contains(_BEGIN), text.str.contains(_END)
    table = lines.with_columns(begins.cast(pl.Int64).cum_sum().alias("zz_event"), ends.alias("zz_end"))
    table = table.with_columns(
        (pl.col("zz_end").cast(pl.Int64).cum_sum() - pl.col("zz_end").cast(pl.Int64)).over("zz_event").alias("zz_after"),
        (pl.col("record") - pl.col("record").shift(1).over("zz_event")).fill_null(1).alias("zz_step"),
    )
    whole = (
        (pl.col("zz_event") > 0)
        & pl.col("zz_end").any().over("zz_event")
        & (pl.col("zz_after") == 0)
        & (pl.col("zz_step") == 1).all().over("zz_event")
    )
    table = table.with_columns(whole.alias("zz_whole"))
    inside = table.filter("zz_whole")
    if not inside.height:
        return pl.DataFrame(schema=FRAMED), lines
    joined = inside.with_columns(
        pl.when(text.str.contains(_BEGIN)).then(text.str.strip_chars(" \t").str.join("").over("zz_event")).otherwise(pl.lit(WITHIN)).alias("line")
    ).select(lines.columns)
    taken, _ = take(FRAMINGS[0], joined)
    return taken, table.filter(~pl.col("zz_whole")).select(lines.columns)

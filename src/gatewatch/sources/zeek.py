r"""Connections and what was said in them as Zeek saw it: its logs conn, ssh, rdp, rfb, kerberos, ntlm, dns and notice, as TSV or JSON.

::

    #fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	service	duration	orig_bytes	resp_bytes	conn_state	…
    1767571200.123456	CHhAvVGS1DHFjwGM9	203.0.113.9	51514	10.0.0.5	22	tcp	ssh	6.159326	2669	2501	SF	…

    {"ts":1767571200.123456,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":"203.0.113.9","id.orig_p":51514,"id.resp_h":"10.0.0.5","id.resp_p":22,…}

What each log becomes is in :mod:`gatewatch.sources.zeek_log`; other logs are ignored by their name. Columns are found by ``#fields``, so their
order and additions do not matter. Of JSON, ``_path`` names the log; where it is missing, the keys tell. ``session`` is Zeek's ``uid``, which its
logs share. ``observer`` is the sensor where the log names it; ``host`` stays unknown: ``host_ip`` is the address of the side that answered.

References: docs.zeek.org, "Zeek Log Formats" and scripts/base/protocols/\*/main.zeek.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.schema.table import Header
from gatewatch.sources.flow import addresses, port
from gatewatch.sources.pattern import Outcome
from gatewatch.sources.row import (
    BROKEN,
    CARRIED,
    COLUMNS,
    NO_TIME,
    RAW,
    Taken,
    fits,
    moments,
    object_decoder,
    read_header,
    read_objects,
    split_rows,
    stamped,
)  # fmt: skip
from gatewatch.sources.zeek_log import LOGS, Log

JSON, TABLE = "zeek", "zeek-tsv"
"""The programs of its records: an object in ``fields``; a row in ``message`` and the table's header in ``fields``."""

_COMMON = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "_system_name")
_SPELLINGS = ("id_orig_h", "id_orig_p", "id_resp_h", "id_resp_p", "id")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PATH = r'"_path"[ \t]*:[ \t]*"([a-z][a-z0-9_]{0,39})'
_STAMP = r'"ts"[ \t]*:[ \t]*(?:[0-9]{7,}|"[12][0-9]{3}-)'
_MASKED = r"(?:^|\t)XXXXXXXXXX\.XXXXXX(?:\t|$)"  # as Zeek's own tests hide it: the time is not known, the rest is sound
_BY_NAME = {log.path: log for log in LOGS}


class ZeekSource:
    """The source of Zeek's logs."""

    name = "zeek"
    title = "Zeek (conn, ssh, rdp, rfb, kerberos, ntlm, dns, notice)"
    programs = (JSON, TABLE)
    references = ("https://docs.zeek.org/en/master/logs/index.html", "https://github.com/zeek/zeek/tree/master/scripts/base/protocols")

    def __init__(self) -> None:
        own = {log.path: tuple(dict.fromkeys((*_COMMON, *log.names))) for log in LOGS}
        self._readers = {path: (names, object_decoder(names)) for path, names in own.items()}
        wide = {path: (*names, *_SPELLINGS) for path, names in own.items()}
        self._lenient = {path: (names, object_decoder(names)) for path, names in wide.items()}

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:  # noqa: ARG002
        """Decode *records* of both programs; kinds outside *wanted* are counted as used, for most of them unread."""
        taken = Taken(wanted)
        table = (
            (records["program"] == TABLE).fill_null(False) if "program" in records.columns else pl.Series([False]).new_from_index(0, records.height)
        )
        if table.any():
            self._tables(records.filter(table), taken)
        if not table.all():
            self._objects(records.filter(~table), taken)
        return taken.outcome()

    def _tables(self, records: pl.DataFrame, taken: Taken) -> None:
        for (text,), rows in records.group_by("fields", maintain_order=True):
            header = read_header(str(text) if text is not None else None)
            if header is None or not header.names:
                taken.reject(rows, pl.Series([True]).new_from_index(0, rows.height), "row without a header")
                continue
            log = _BY_NAME.get(header.path) if header.path else _told(set(header.names))
            if log is None:
                taken.ignore(_foreign(header.path), rows.height)
            else:
                self._table(rows, header, log, taken)

    def _table(self, records: pl.DataFrame, header: Header, log: Log, taken: Taken) -> None:
        rows = taken.reject(records, ~fits(records["message"], header), COLUMNS)
        rows = taken.reject(rows, rows["time"].is_null() & ~rows["message"].str.contains(_MASKED).fill_null(False), NO_TIME)
        rows = _mattering(rows, rows["message"], log, taken, rf"(?:^|\t)(?:{log.hint})(?:\t|$)" if log.hint and header.separator == "\t" else "")
        if rows.height:
            raw = split_rows(rows["message"], header, (*_COMMON, *log.names))
            _make(rows, raw, log, taken, self.name)

    def _objects(self, records: pl.DataFrame, taken: Taken) -> None:
        texts = records["fields"].fill_null("")
        paths = texts.str.extract(_PATH)
        if paths.null_count():
            missing = paths.is_null()
            paths = paths.clone().scatter(missing.arg_true(), _guessed(texts.filter(missing)))
        for (path,), rows in records.with_columns(paths.alias("zz_path")).group_by("zz_path", maintain_order=True):
            log = _BY_NAME.get(str(path))
            if log is None:
                taken.ignore(_foreign(str(path or "")), rows.height)
            else:
                self._log(rows.drop("zz_path"), log, taken)

    def _log(self, records: pl.DataFrame, log: Log, taken: Taken) -> None:
        rows = taken.reject(records, ~records["fields"].fill_null("").str.contains(_STAMP), NO_TIME)
        rows = _mattering(rows, rows["fields"], log, taken, log.json_hint)
        if not rows.height:
            return
        usual = bool(rows["fields"].str.contains('"id.orig_h"', literal=True).all())
        names, decoder = (self._readers if usual else self._lenient)[log.path]
        raw, sound = read_objects(rows["fields"], names, decoder)
        if sound is not None:
            rows = taken.reject(rows, ~sound, BROKEN)
        raw = raw if usual else _flat(raw)
        times = moments(raw[f"{RAW}ts"])
        bad = times.is_null()
        if bad.any():
            rows, raw, times = taken.reject(rows, bad, NO_TIME), raw.filter(~bad), times.filter(~bad)
        if rows.height:
            _make(stamped(rows, times), raw, log, taken, self.name)


def _mattering(rows: pl.DataFrame, texts: pl.Series, log: Log, taken: Taken, hint: str) -> pl.DataFrame:
    """Return the rows that can become an event of a wanted kind; the others are used and make none."""
    if not taken.wants(log.kinds):
        taken.used += rows.height
        return rows.clear()
    if hint and not taken.wants((Kind.CONNECTION,)):
        busy = texts.str.contains(hint).fill_null(False)
        taken.used += int((~busy).sum())
        return rows.filter(busy)
    return rows


def _make(rows: pl.DataFrame, raw: pl.DataFrame, log: Log, taken: Taken, name: str) -> None:
    """Turn *rows* with their *raw* columns into events."""
    columns = {f"{RAW}{key}": raw[f"{RAW}{key}"] for key in _COMMON}
    sensor = columns[f"{RAW}_system_name"]
    frame = rows.select([column for column in CARRIED if column in rows.columns]).hstack(
        [
            pl.Series("source", [name], dtype=pl.String).new_from_index(0, rows.height),
            sensor.alias("observer"),
            (pl.Series(["zeek:"]).new_from_index(0, rows.height) + columns[f"{RAW}uid"]).alias("session"),
            addresses(columns[f"{RAW}id.orig_h"]).alias("src_ip"),
            port(columns[f"{RAW}id.orig_p"]).alias("src_port"),
            addresses(columns[f"{RAW}id.resp_h"]).alias("dst_ip"),
            port(columns[f"{RAW}id.resp_p"]).alias("dst_port"),
            *[raw[f"{RAW}{key}"] for key in log.names],
        ]
    )
    made = log.read(frame)
    if "host_ip" not in made.columns:
        made = made.with_columns(pl.col("dst_ip").alias("host_ip"))
    taken.take(made)


def _told(names: Collection[str]) -> Log | None:
    """Return the log that has a column which no other has; None where none of ours has."""
    return next((log for log in LOGS if any(name in names for name in log.marks)), None)


def _guessed(texts: pl.Series) -> pl.Series:
    """Return the log of each object by the keys that only this log has; null where none of ours has them."""
    chain = pl.lit(None, pl.String)
    for log in reversed(LOGS):
        marked = pl.col("t").str.contains('"(?:' + "|".join(re.escape(mark) for mark in log.marks) + r')"[ \t]*:')
        chain = pl.when(marked).then(pl.lit(log.path)).otherwise(chain)
    return texts.alias("t").to_frame().select(chain.alias("path"))["path"]


def _foreign(path: str) -> str:
    named = path if _NAME.fullmatch(path) else ""
    return f"log {named} says nothing of remote access" if named else "a log that says nothing of remote access"


def _flat(raw: pl.DataFrame) -> pl.DataFrame:
    """Return *raw* with the ends of the connection under Zeek's own names, however the object spells them: ``id_orig_h``, ``{"id":{"orig_h":…}}``."""
    nested = pl.col(f"{RAW}id")
    ends = []
    for key in ("orig_h", "orig_p", "resp_h", "resp_p"):
        inner = nested.str.extract(rf'"{key}"[ \t]*:[ \t]*\x22?([0-9A-Fa-f.:]+)')
        ends.append(pl.coalesce(f"{RAW}id.{key}", f"{RAW}id_{key}", inner).alias(f"{RAW}id.{key}"))
    return raw.with_columns(ends)


SOURCE = ZeekSource()

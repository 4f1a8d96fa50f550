r"""CEF and LEEF of any device: the common event formats of ArcSight and QRadar, which most security products can write.

``CEF:0|Vendor|Product|1.0|100|User login|5|rt=1767614400000 duser=ann src=192.0.2.7 outcome=failure``

=================================  ==================================================================================
record                             becomes
=================================  ==================================================================================
FortiGate, PAN-OS                  what their own records become: they are written back into their own formats
Cisco ASA with the message itself  what the message becomes
Check Point                        logons and logoffs of remote access and management by ``act`` and ``product``
Windows, as collectors pass it on  logons by event id and type
any other device                   ``auth_success``, ``auth_failure``, ``session_end``, ``account_change`` where every word of its action or
                                   name is known and none contradicts another
what cannot be judged              ignored, with the reason
=================================  ==================================================================================

The account logged on to is ``duser``, else ``suser``. The time is that of the text; where that has none, or one more than a day from the header's,
the header's. ``extra`` holds vendor, product, id and name of the event.

References: https://www.microfocus.com/documentation/arcsight/ (Common Event Format); https://www.ibm.com/docs/en/dsm?topic=overview-leef-event-components
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind
from gatewatch.sources import cisco_asa, fortigate, panos
from gatewatch.sources.cef_column import ROW, read
from gatewatch.sources.cef_device import DEVICES
from gatewatch.sources.cef_handover import CISCO, FORTIGATE, PANOS
from gatewatch.sources.cef_handover import cisco as as_cisco
from gatewatch.sources.cef_handover import fortigate as as_fortigate
from gatewatch.sources.cef_handover import panos as as_panos
from gatewatch.sources.cef_meaning import read_any
from gatewatch.sources.cef_sheet import WANTED, columns, ignored, meanings, moments
from gatewatch.sources.cef_text import Text, take_apart
from gatewatch.sources.cef_time import moment
from gatewatch.sources.cef_word import HINT, UNKNOWN
from gatewatch.sources.document import NO_TIME, DocumentSource, Made, Unreadable
from gatewatch.sources.header_time import OWN, headed, stamped
from gatewatch.sources.pattern import Outcome, PatternSource, no_rows

_TRAFFIC = "traffic and threats of a firewall"
IDLE = (
    (r"^CEF: ?[01]\|[Ff]ortinet\|[^|]*\|[^|]*\|[^|]*\|(?:traffic|utm|dns|app-ctrl|ips|virus|webfilter|anomaly)[: ]", _TRAFFIC),
    (r"^[CL]EE?F: ?[0-9.]+\|Palo Alto Networks\|[^|]*\|[^|]*\|(?:[^|]*\|)?(?:TRAFFIC|THREAT|URL|WILDFIRE|DECRYPTION|HIPMATCH|USERID)\|", _TRAFFIC),
    (r"^CEF: ?[01]\|Check Point\|.*[ |]act=(?:Accept|Drop|Reject|Block|Detect|Prevent|Bypass|Inspect|Encrypt|Decrypt)(?: |$)", _TRAFFIC),
)
_HANDED: tuple[tuple[str, PatternSource, Callable[[Text], str | None]], ...] = (
    (CISCO, cisco_asa.SOURCE, as_cisco),
    (FORTIGATE, fortigate.SOURCE, as_fortigate),
    (PANOS, panos.SOURCE, as_panos),
)
_NO_TIME = pl.Series([NO_TIME], dtype=pl.String)
_NAMES = ("record", "offset", "time", "host", "count", "kind", "source")
_OTHER = "a record of the device that is no access"


class _Decoder:
    """What takes the place of a JSON decoder."""

    def decode(self, text: str) -> Text:
        return take_apart(text)


def _read(text: Text) -> Made:
    """Return what a record of a device that is not handed over means."""
    if text.fault:
        raise Unreadable(text.fault)
    device = f"{text.vendor}|{text.product}"
    return next((read for regex, read in DEVICES if regex.match(device)), read_any)(text)


def _has_words(device: str) -> bool:
    return any(regex.match(device) for regex, _ in DEVICES)


class CommonEventSource(DocumentSource):
    """The source of one of the two formats. Records have their text in ``message``, and a header's time beside it."""

    def __init__(self, *, name: str, title: str, programs: tuple[str, ...], claims_message: str, references: tuple[str, ...]) -> None:
        super().__init__(
            name=name,
            title=title,
            programs=programs,
            read=_read,
            references=references,
            hint=HINT,
            others=UNKNOWN,
            idle=IDLE,
            zoned=False,
            timeless=True,
        )
        self.claims_message = claims_message
        self._decoder = _Decoder()  # type: ignore[assignment]

    def _lenient(self, text: str) -> Text:
        return take_apart(text)

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode *records* whose ``message`` is a text of the format."""
        mark = self.name.upper()
        message = records["message"].fill_null("")
        bare = ~message.str.starts_with(mark)  # the general framings cut it off as the program
        message = pl.select(pl.when(bare).then(pl.lit(f"{mark}:") + message).otherwise(message).alias("message")).to_series()
        rest = records.with_columns(message, message.alias("fields"))
        parts: list[Outcome] = []
        for regex, source, rewrite in _HANDED:
            mine = rest["message"].str.contains(regex)
            if mine.any():
                parts.append(self._hand(rest.filter(mine), source, rewrite, wanted, apart))
                rest = rest.filter(~mine)
        if rest.height:
            at_once, rest = self._at_once(rest, wanted, apart)
            parts += [] if at_once is None else [at_once]
        if rest.height:
            outcome = super().decode(rest, wanted, apart)
            parts.append(headed(outcome, rest, near=True))
        return _together(parts) if len(parts) != 1 else parts[0]

    def _at_once(
        self, records: pl.DataFrame, wanted: Collection[Kind] | None, apart: Collection[Kind]
    ) -> tuple[Outcome | None, pl.DataFrame]:
        """Decode what can be decoded in columns, and return the other *records*."""
        skipped: Counter[str] = Counter()
        places = self._places(records["fields"], skipped)
        busy = records[places] if len(places) < records.height else records
        table, left = read(busy["message"], WANTED, self.name)
        if not table.height:
            return (Outcome(ev.empty(*_NAMES), dict(skipped), no_rows(), no_rows(reason=True), 0) if skipped else None), busy
        table, reasons = meanings(table, _has_words)
        table = table.hstack(moments(table))
        known = table["m_why"].is_not_null() | (table["m_kind"].is_not_null() & table["sound"])
        left = pl.concat([left, table.filter(~known)[ROW]]).sort()
        table = table.filter(known)
        skipped += ignored(table, reasons)
        told = table.filter(pl.col("m_kind").is_not_null())
        used = told.height
        if wanted is not None:
            told = told.filter(pl.col("m_kind").is_in(sorted(str(kind) for kind in wanted)))
        bare = () if wanted is None or Kind.OTHER in wanted else [str(kind) for kind in apart]
        events = self._table(busy, columns(told, bare), (told["time"], told["local"], told["resolution"]))
        outcome = Outcome(events, dict(skipped), no_rows(), no_rows(reason=True), used)
        return headed(outcome, busy, near=True), busy[left]

    def _hand(
        self,
        records: pl.DataFrame,
        source: PatternSource,
        rewrite: Callable[[Text], str | None],
        wanted: Collection[Kind] | None,
        apart: Collection[Kind],
    ) -> Outcome:
        """Decode records of a device as if it had written them in its own format."""
        ignored: dict[str, int] = {}
        for regex, reason in self.idle:
            idle = records["message"].str.contains(regex)
            if idle.any():
                ignored[reason] = ignored.get(reason, 0) + int(idle.sum())
                records = records.filter(~idle)
        texts = [take_apart(message) for message in records["message"].to_list()]
        faults = pl.Series([text.fault or None for text in texts], dtype=pl.String)
        made = pl.Series([None if text.fault else rewrite(text) for text in texts], dtype=pl.String)
        moments: list[tuple[int | None, int | None, int | None]] = []
        for text in texts:
            try:
                moments.append(self._moment(moment(text.values)))
            except Unreadable:
                moments.append((None, None, None))
        other = int((made.is_null() & faults.is_null()).sum())
        if other:
            ignored[_OTHER] = other
        times = pl.DataFrame(moments, schema=OWN, orient="row")
        devices = pl.Series([text.values.get("dvchost") or text.values.get("deviceexternalid") for text in texts], dtype=pl.String)
        frame = stamped(records.hstack(times), near=True)
        faults = faults.zip_with(faults.is_not_null() | made.is_null() | frame["time"].is_not_null() | frame["local"].is_not_null(), _NO_TIME)
        lost = records.select("record", "offset", "message").with_columns(faults.alias("reason")).filter(faults.is_not_null())
        frame = frame.with_columns(made.alias("message"), pl.coalesce(pl.lit(devices), "host").alias("host"))
        outcome = source.decode(frame.filter(made.is_not_null() & faults.is_null()), wanted, apart)
        outcome.events = _renamed(outcome.events, self.name)
        outcome.bulk = [_renamed(part, self.name) for part in outcome.bulk]
        for reason, number in ignored.items():
            outcome.ignored[reason] = outcome.ignored.get(reason, 0) + number
        if outcome.unrecognised.height:
            outcome.ignored[_OTHER] = outcome.ignored.get(_OTHER, 0) + outcome.unrecognised.height
            outcome.unrecognised = no_rows()
        outcome.rejected = pl.concat([outcome.rejected, lost.select(outcome.rejected.columns)]) if lost.height else outcome.rejected
        return outcome


def _renamed(events: pl.DataFrame, name: str) -> pl.DataFrame:
    return events.with_columns(pl.lit(name).alias("source")) if events.height else events


def _together(parts: list[Outcome]) -> Outcome:
    ignored: dict[str, int] = {}
    for part in parts:
        for reason, number in part.ignored.items():
            ignored[reason] = ignored.get(reason, 0) + number
    frames = [part.events for part in parts if part.events.height]
    events = pl.concat(frames, how="diagonal_relaxed").sort("record") if frames else ev.empty(*_NAMES)
    rejected = [part.rejected for part in parts if part.rejected.height]
    return Outcome(
        events,
        dict(sorted(ignored.items())),
        no_rows(),
        pl.concat(rejected, how="diagonal_relaxed").sort("record") if rejected else no_rows(reason=True),
        sum(part.used for part in parts),
        [frame for part in parts for frame in part.bulk],
    )


SOURCE = CommonEventSource(
    name="cef",
    title="CEF of any device (ArcSight Common Event Format)",
    programs=("cef", "CEF"),
    claims_message=r"^CEF: ?[01]\|",
    references=("https://www.microfocus.com/documentation/arcsight/",),
)

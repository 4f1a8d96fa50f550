r"""Text sources as tables: a program's messages, each with a literal beginning and one or more linear-time regexes.

A :class:`Pattern` says what a message means (``kind``) or why it is ignored (``why``). A record is tried against the patterns
whose literal beginning fits, in table order; the first that matches wins. Named groups are raw captures:

=================  ====================================================================================
group              becomes
=================  ====================================================================================
``user``           ``user`` and ``user_domain`` (:func:`gatewatch.schema.users.split_user`)
``target_user``    ``target_user``, resolved the same way
``rhost``          ``src_ip`` when it is an address, ``src_host`` when it is a name, null when a placeholder
``dhost``          ``dst_ip`` or ``dst_host`` likewise
``src_port``       ``src_port``, ``dst_port`` likewise
``invalid``        ``invalid_user`` is true when the group took part
``host_ip``        ``host_ip``; ``host`` is null then, as who wrote the record is another
``src_host``       ``src_host`` unless it is an address or a placeholder
``assigned_ip``    ``assigned_ip`` when it is an address, else null
``method``         ``auth_method`` through the table ``methods`` of the pattern
``service``        ``service`` through the table ``services`` of the pattern, null where the table lacks it; where the group took no
                   part, the source's own service
``session``        ``session``, after the pattern's ``session_prefix``
``linked_session`` ``linked_session``, after the same prefix
``bytes_in`` ...   the column of that name (``bytes_out``, ``count``, ``object``, ``command``, ``process``, ``host``)
``x_<name>``       the key ``<name>`` of ``extra``
=================  ====================================================================================

Greedy ``.*`` costs three times a restricted class, so a pattern may list a strict regex first and the general one after it: both must
agree where both match (a test holds them to it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.resolver import as_name, map_values, resolve_host, resolve_method, resolve_service, resolve_user

HEAD = 12  # characters of a message that choose the candidate patterns
_MARK = "zz_matched"
_ROW = "zz_row"
_EMPTY = ("record", "offset", "time", "time_err", "time_basis", "received", "host", "count")
_CARRIED = ("record", "offset", "time", "time_err", "time_basis", "received", "host", "count", "local", "rel", "resolution", "east")
_PLAIN = ("object", "command", "process", "parent", "dst_host")
_NUMBERS = ("bytes_in", "bytes_out")
# what some platforms write before the text: Solaris its message id, Win32-OpenSSH's event channel the program
_PREFIX = r"^(?:\[ID [0-9]+ [a-z0-9]+\.[a-z]+\] |sshd: )+"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One message of a program: how it begins, its regexes, and what it means.

    ``tail``: where only recognition is asked, a message with one of the ``heads`` and this end is taken for it unread. ``repeats``: the name of a
    pattern whose fact it reports once more; where that stands in the batch for the same pid, and speed matters, nothing but its time is read.
    """

    name: str
    heads: tuple[str, ...]
    regexes: tuple[str, ...]
    kind: Kind | None = None
    why: str = ""
    set: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    methods: Mapping[str, AuthMethod] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    session_prefix: str = ""
    tail: str = ""
    repeats: str = ""


@dataclass(slots=True)
class Outcome:
    """What a source made of a batch of records.

    ``events``: event rows, narrow (only the columns the batch has), in record order; ``ignored``: pattern name -> records;
    ``unrecognised`` and ``rejected``: the records themselves (``record, offset, message`` and, for rejects, ``reason``).
    Every record of the batch is in exactly one of the four; an event row stands for one record unless ``used`` says otherwise. ``bulk``: events
    that were asked for apart (``decode(…, apart=…)``), one frame per pattern and regex, in no order: putting them together costs more than
    decoding them.
    """

    events: pl.DataFrame
    ignored: dict[str, int]
    unrecognised: pl.DataFrame
    rejected: pl.DataFrame
    used: int = -1
    bulk: list[pl.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.used < 0:
            self.used = self.events.height


def rows_left(frame: pl.DataFrame, reason: str | None = None) -> pl.DataFrame:
    """Return the columns of *frame* that identify left-over records, with *reason* for rejects."""
    left = frame.select("record", "offset", "message")
    return left.with_columns(pl.lit(reason or "", pl.String).alias("reason")) if reason is not None else left


def no_rows(*, reason: bool = False) -> pl.DataFrame:
    """Return an empty left-over frame."""
    schema: dict[str, pl.DataType] = {"record": pl.Int64(), "offset": pl.Int64(), "message": pl.String()}
    if reason:
        schema["reason"] = pl.String()
    return pl.DataFrame(schema=schema)


class PatternSource:
    """A source made of a pattern table.

    ``name`` is the id users see; ``programs`` the syslog identifiers it claims; ``service`` the default service of its events;
    ``session`` says how the syslog pid becomes the session id (``"pid:"`` prefixes it, None leaves the session null).
    ``claims`` is a regex for program names that no list can hold; ``claims_message`` one for messages it decodes whoever wrote them.
    ``prepare`` may rewrite the records' messages (columns in, columns out; it must keep the rows).
    ``finish`` may refine the decoded frame (columns in, columns out; it must keep the rows).
    """

    def __init__(
        self,
        *,
        name: str,
        title: str,
        programs: tuple[str, ...],
        patterns: tuple[Pattern, ...],
        service: Service | None = None,
        session: str | None = None,
        references: tuple[str, ...] = (),
        claims: str | None = None,
        claims_message: str | None = None,
        prepare: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
        finish: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
    ) -> None:
        self.name = name
        self.title = title
        self.programs = programs
        self.patterns = patterns
        self.service = service
        self.session = session
        self.references = references
        self.claims = claims
        self.claims_message = claims_message
        self.prepare = prepare
        self.finish = finish
        self._groups: dict[str, int] = {}
        self._sets: list[tuple[int, ...]] = []
        self._set_ids: dict[tuple[int, ...], int] = {}

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode a batch of records (columns of :data:`gatewatch.schema.records.RECORD_DTYPES`) whose program is ours.

        Records whose kind is not *wanted* (None: all are) are recognised and counted as used, but make no events. Events of the kinds *apart*
        come in ``Outcome.bulk``, unless the source has a ``finish``.
        """
        prepared = records if self.prepare is None else self.prepare(records)
        names = [name for name in ("record", "message", "pid") if name in prepared.columns]
        slim = prepared.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias(_ROW), *names)
        echo, slim = self._hold_back(slim, wanted)
        matched, left = self._match(slim, wanted)
        if echo is not None:
            self._release(echo, matched, left, wanted)
        if left:
            left = self._match_again(left, matched, wanted)
        events: list[pl.DataFrame] = []
        bulk: list[pl.DataFrame] = []
        ignored: dict[str, int] = {}
        skipped = 0
        for index, frame in matched:
            pattern = self.patterns[index]
            if pattern.kind is None:
                ignored[pattern.name] = ignored.get(pattern.name, 0) + frame.height
            elif wanted is not None and pattern.kind not in wanted:
                skipped += frame.height
            else:
                (bulk if pattern.kind in apart and self.finish is None else events).append(self._shape(pattern, frame, prepared))
        if len(events) > 1:
            table = pl.concat(events, how="diagonal").sort("record")
        else:
            table = events[0] if events else ev.empty(*_EMPTY, "kind", "source", "pattern")
        if self.finish is not None and table.height:
            table = self.finish(table)
        unrecognised = rows_left(records[pl.concat([part.select(_ROW) for part in left])[_ROW].sort()]) if left else no_rows()
        used = table.height + sum(part.height for part in bulk) + skipped
        return Outcome(table, dict(sorted(ignored.items())), unrecognised, no_rows(reason=True), used, bulk)

    def _hold_back(self, slim: pl.DataFrame, wanted: Collection[Kind] | None) -> tuple[tuple[int, pl.DataFrame] | None, pl.DataFrame]:
        """Take out the records that begin like a repeat of another pattern: ``(index, records)`` and the rest."""
        index = next((number for number, pattern in enumerate(self.patterns) if pattern.repeats), None)
        if wanted is None or index is None or "pid" not in slim.columns:
            return None, slim
        begins = slim.select(_begins(self.patterns[index].heads).alias("b"))["b"]
        if not begins.any():
            return None, slim
        return (index, slim.filter(begins)), slim.filter(~begins)

    def _release(
        self, echo: tuple[int, pl.DataFrame], matched: list[tuple[int, pl.DataFrame]], left: list[pl.DataFrame], wanted: Collection[Kind] | None
    ) -> None:
        """Let the records held back pass: unread where the pattern they repeat stands for their pid, else like any other."""
        index, held = echo
        name = self.patterns[index].repeats
        told = [frame["pid"] for number, frame in matched if self.patterns[number].name == name]
        if told:
            again = held["pid"].is_in(pl.concat(told).drop_nulls().unique().implode()).fill_null(False)
            if again.any():
                matched.append((index, held.filter(again)))
                held = held.filter(~again)
        if held.height:
            more, still = self._match(held, wanted)
            matched += more
            left += still

    def classify(self, record: pl.DataFrame) -> list[tuple[str, bool]]:
        """Return each pattern tried for *record* (one row, columns of records) with whether it matched, in the order tried.

        The record is looked at as the source prepares it, and once more without a platform's prefix; for ``gatewatch explain``.
        """
        prepared = record if self.prepare is None else self.prepare(record)
        message = prepared["message"][0] or ""
        tried = self._classify(message)
        if not any(hit for _, hit in tried) and (stripped := re.sub(_PREFIX, "", message)) != message:
            tried += self._classify(stripped)
        return tried

    def _classify(self, message: str) -> list[tuple[str, bool]]:
        tried: list[tuple[str, bool]] = []
        frame = pl.DataFrame({"message": [message]})
        for index in self._candidates(message[:HEAD]):
            pattern = self.patterns[index]
            hit = any(frame.select(pl.col("message").str.contains(regex)).item() for regex in pattern.regexes)
            tried.append((pattern.name, hit))
            if hit:
                break
        return tried

    def _candidates(self, head: str) -> tuple[int, ...]:
        return tuple(
            index
            for index, pattern in enumerate(self.patterns)
            if not pattern.heads or any(head.startswith(start[:HEAD]) or start.startswith(head) for start in pattern.heads)
        )

    def _group(self, head: str) -> int:
        found = self._groups.get(head)
        if found is None:
            candidates = self._candidates(head)
            found = self._set_ids.setdefault(candidates, len(self._set_ids))
            if found == len(self._sets):
                self._sets.append(candidates)
            if len(self._groups) < 200_000:
                self._groups[head] = found
        return found

    def _match(self, records: pl.DataFrame, wanted: Collection[Kind] | None) -> tuple[list[tuple[int, pl.DataFrame]], list[pl.DataFrame]]:
        heads = records.select(pl.col("message").str.head(HEAD).fill_null("").alias("head"))["head"]
        unique = heads.unique()
        groups = [self._group(head) for head in unique.to_list()]
        matched: list[tuple[int, pl.DataFrame]] = []
        left: list[pl.DataFrame] = []
        if len(set(groups)) <= 1:
            parts = {groups[0]: records} if groups else {}
        else:
            coded = heads.replace_strict(unique, pl.Series(groups, dtype=pl.UInt32), return_dtype=pl.UInt32)
            keyed = records.with_columns(coded.alias("zz_group"))
            parts = {int(key[0]): part.drop("zz_group") for key, part in keyed.partition_by("zz_group", as_dict=True).items()}
        for group, part in sorted(parts.items()):
            rest = part
            for index in self._sets[group]:
                if not rest.height:
                    break
                rest = self._try(index, rest, matched, wanted)
            if rest.height:
                left.append(rest)
        return matched, left

    def _try(self, index: int, rest: pl.DataFrame, matched: list[tuple[int, pl.DataFrame]], wanted: Collection[Kind] | None) -> pl.DataFrame:
        """Try one pattern on *rest*; move what matches to *matched*, return the others."""
        pattern = self.patterns[index]
        other: pl.DataFrame | None = None
        if pattern.heads and min(map(len, pattern.heads)) > HEAD:  # the literal beginning says more than the group does
            begins = rest.select(_begins(pattern.heads).alias("b"))["b"]
            if not begins.any():
                return rest
            if not begins.all():
                other, rest = rest.filter(~begins), rest.filter(begins)
        if pattern.tail and (pattern.kind is None or (wanted is not None and pattern.kind not in wanted)):
            ends = rest.select(pl.col("message").str.ends_with(pattern.tail).alias("e"))["e"]
            if ends.any():
                matched.append((index, rest.filter(ends)))
                rest = rest.filter(~ends)
        for regex in pattern.regexes:
            if not rest.height:
                break
            rest = self._take(index, regex, rest, matched, wanted)
        if other is None:
            return rest
        return pl.concat([other, rest]) if rest.height else other

    def _match_again(self, left: list[pl.DataFrame], matched: list[tuple[int, pl.DataFrame]], wanted: Collection[Kind] | None) -> list[pl.DataFrame]:
        """Try the leftovers that bear a platform's prefix without it; return what is still left, as it was."""
        rest = pl.concat(left)
        stripped = rest.with_columns(pl.col("message").str.replace(_PREFIX, ""))
        changed = (stripped["message"] != rest["message"]).fill_null(False)
        if not changed.any():
            return left
        again, still = self._match(stripped.filter(changed), wanted)
        matched += again
        kept = rest.filter(~changed)
        missed = [rest.join(part.select("record"), on="record", how="semi") for part in still]
        return [part for part in (kept, *missed) if part.height]

    def _take(
        self, index: int, regex: str, rest: pl.DataFrame, matched: list[tuple[int, pl.DataFrame]], wanted: Collection[Kind] | None
    ) -> pl.DataFrame:
        """Move the rows of *rest* that match *regex* to *matched*; return the others."""
        kind = self.patterns[index].kind
        if kind is None or (wanted is not None and kind not in wanted):
            hits = rest.select(pl.col("message").str.contains(regex).fill_null(False)).to_series()
            taken = rest.filter(hits)
        else:
            groups = rest.select(pl.col("message").str.extract_groups(f"{regex}(?P<{_MARK}>)").alias("g")).unnest("g")
            hits = groups[_MARK].is_not_null()
            taken = rest.hstack(groups.drop(_MARK).rename(lambda name: f"g_{name}"))
            if not hits.all():
                taken = taken.filter(hits)
        if not taken.height:
            return rest
        matched.append((index, taken))
        return rest.clear() if taken.height == rest.height else rest.filter(~hits)

    def _shape(self, pattern: Pattern, matched: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
        """Turn the matched records of one pattern into event rows."""
        carried = [name for name in (*_CARRIED, "pid") if name in records.columns]
        rows = matched[_ROW]
        frame = records.select(carried)
        if len(rows) < records.height:
            frame = frame[rows]
        frame = frame.hstack([matched[name] for name in matched.columns if name.startswith("g_")])
        groups = {name[2:] for name in frame.columns if name.startswith("g_")}
        own = {"host"} if groups & {"host", "host_ip"} else set[str]()
        columns: list[pl.Expr] = [pl.col(name) for name in _CARRIED if name in frame.columns and name not in own]
        columns += [
            pl.lit(str(pattern.kind), ev.KIND).alias("kind"),
            pl.lit(self.name).alias("source"),
            pl.lit(pattern.name).alias("pattern"),
            pl.col("host").alias("observer"),
        ]
        if "service" in groups:
            columns.append(resolve_service(frame["g_service"], pattern.services, self.service))
        elif self.service is not None and "service" not in pattern.set:
            columns.append(pl.lit(str(self.service), ev.SERVICE).alias("service"))
        if self.session is not None and "session" not in groups and "pid" in frame.columns and "session" not in pattern.set:
            columns.append((pl.lit(self.session) + pl.col("pid")).alias("session"))
        for name in _PLAIN:
            if name in groups:
                columns.append(_null_if_empty(f"g_{name}").alias(name))
        for name in (*_NUMBERS,):
            if name in groups:
                columns.append(pl.col(f"g_{name}").cast(pl.Int64, strict=False).alias(name))
        for name in ("src_port", "dst_port"):
            if name in groups:
                columns.append(pl.col(f"g_{name}").cast(pl.UInt16, strict=False).alias(name))
        if "host_ip" in groups:
            columns += [pl.lit(None, pl.String).alias("host"), resolve_host(frame["g_host_ip"], "host_ip", "")[0]]
        if "host" in groups:
            columns.append(_null_if_empty("g_host").alias("host"))
        if "session" in groups:
            columns.append((pl.lit(pattern.session_prefix) + pl.col("g_session")).alias("session"))
        if "linked_session" in groups:
            columns.append((pl.lit(pattern.session_prefix) + _null_if_empty("g_linked_session")).alias("linked_session"))
        if "invalid" in groups:
            columns.append(pl.col("g_invalid").is_not_null().alias("invalid_user"))
        for raw, address, name in (("rhost", "src_ip", "src_host"), ("dhost", "dst_ip", "dst_host")):
            if raw in groups:
                columns += resolve_host(frame[f"g_{raw}"], address, name)[: 1 if name in groups else 2]
        if "assigned_ip" in groups:
            columns.append(resolve_host(frame["g_assigned_ip"], "assigned_ip", "")[0])
        if "src_host" in groups:
            columns.append(pl.lit(map_values(frame["g_src_host"], as_name)).alias("src_host"))
        for raw in ("user", "target_user"):
            if raw in groups:
                columns += resolve_user(frame[f"g_{raw}"], raw)
        if "method" in groups:
            columns.append(resolve_method(frame["g_method"], pattern.methods))
        extra = sorted(name for name in groups if name.startswith("x_"))
        if extra:
            packed = pl.struct([pl.col(f"g_{name}").alias(name[2:]) for name in extra]).struct.json_encode()
            columns.append(packed.alias("extra"))
        columns += [pl.lit(value, ev.DTYPES[name]).alias(name) for name, value in pattern.set.items()]
        table = frame.select(columns)
        if "count" in groups:
            table = table.with_columns((pl.col("count") * frame["g_count"].cast(pl.UInt32, strict=False).fill_null(1)).alias("count"))
        return table


def _begins(heads: tuple[str, ...]) -> pl.Expr:
    """Return whether a message begins with one of *heads*; false for null."""
    return pl.any_horizontal(pl.col("message").str.starts_with(head) for head in heads).fill_null(False)


def _null_if_empty(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != "").then(pl.col(name))

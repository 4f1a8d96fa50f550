"""Who from outside caused this event: what happens in an outside session bears its origin.

In this order, each only for what the one before leaves open:

1. the session id on the host, or the logon itself: ``certain``;
2. host, user and time (:mod:`gatewatch.origin.ownership`): ``likely``, ``possible`` with rivals;
3. for administrative records that name no actor, the sudo command that just ran the tool, or the one live session that holds root (on a Windows
   host whose logs say of nobody that they do: the one live session);
4. a source address that was leased to a session at the time: that session's origin, one hop on; ``certain``, ``possible`` with rivals;
5. a source address that an entered host bears: the same user's live session there, one hop on, ``likely``; for failures and connections
   of another account, or of none, the session begun last on that host, ``possible``; ``likely`` for bulk that the host sends out to an address
   it never sent as much to, while nobody else is on it;
6. an outside source address of its own: hop 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from gatewatch.origin.attribution import Bindings, attribute
from gatewatch.origin.bond import Bond, bond_table
from gatewatch.origin.calm import calm
from gatewatch.origin.ownership import GRACE_MICROS, OWN, Ownership
from gatewatch.origin.session import GRACE, Sessions
from gatewatch.origin.track import MAX_OPEN, NOBODY, Ints, Track, build_track, hashed
from gatewatch.schema.attribution import ATTRIBUTION, BY_GRADE, INSIDE, MOST_RIVALS
from gatewatch.schema.events import DTYPES, Kind, Scope, Service, ensure
from gatewatch.schema.packing import plain
from gatewatch.schema.platform import OUTBOUND, OUTBOUND_MAC

__all__ = ["ACTORLESS", "MAX_OPEN", "Attacher", "Bond", "Result", "attach", "attribute", "attributed"]

ACTORLESS = timedelta(seconds=15)  # sudo writes its line, then the tool writes its own
SLICE = 250_000  # events looked up at once
RECENT = 32  # live sessions that hold root on one host that are considered as rivals
MAX_HOP = 255
_ADMIN = (Kind.ACCOUNT_CHANGE, Kind.CONFIG_CHANGE, Kind.SERVICE_INSTALL, Kind.SCHEDULED_JOB, Kind.LOG_CLEARED)
_WINDOWS = r"^(?:logon|ts):"
_SHELL = r"(?:^|/)(?:su|bash|sh|zsh|dash|fish|ksh)(?: |$)|(?:^|/)sudo (?:-i|-s|su)"
_VIA = (
    "",
    "session id",
    "host, user and time",
    "sudo or administrator rights",
    "leased address",
    "source host and user",
    "source host",
    "its own address",
)
ID, USER, TOOL, LEASE, SOURCE_USER, SOURCE, OWN_ADDRESS = range(1, 8)
_SHARED = (str(Scope.PROXY), str(Scope.LOOPBACK), str(Scope.LINK_LOCAL), str(Scope.RESERVED))


@dataclass(slots=True)
class Result:
    """The origin of each event of a batch: the session's ``number`` (NOBODY where none), hops beyond it, grade, how, and the place of rivals."""

    number: Ints
    beyond: Ints
    grade: Ints
    how: Ints
    piece: Ints
    by_lease: Ints

    def small(self) -> Result:
        """Return the same in as few bytes as it takes."""
        narrow = {"number": np.int32, "beyond": np.int16, "grade": np.int8, "how": np.int8, "piece": np.int32, "by_lease": np.int32}
        return Result(*(getattr(self, name).astype(kind) for name, kind in narrow.items()))

    def part(self, start: int, end: int) -> Result:
        """Return the result of the rows from *start* to before *end*."""
        return Result(*(getattr(self, name)[start:end] for name in Result.__slots__))


class Attacher:
    """Gives events their origin, batch by batch: small tables built once, then look-ups only."""

    def __init__(self, sessions: Sessions, bonds: Mapping[str, Bond], bindings: Bindings | None = None) -> None:
        """Build the tracks of *sessions*, *bonds* and *bindings*."""
        self.bindings = bindings or Bindings()
        self._bonds = bonds
        with calm():
            self._build(sessions, bonds)

    def _build(self, sessions: Sessions, bonds: Mapping[str, Bond]) -> None:
        self.ownership = Ownership.of(sessions, bonds)
        sids = list(self.ownership.sids)
        leases = self.bindings.leases
        known = {sid: number for number, sid in enumerate(sids)}
        for sid in leases["sid"].to_list():
            if sid not in known:
                known[sid] = len(sids)
                sids.append(sid)
        codes = {name: code for code, name in enumerate(self.ownership.origins)}
        bare = [bonds[sid].ip if sid in bonds else INSIDE for sid in leases["sid"].to_list()]
        for name in bare:
            codes.setdefault(name, len(codes))
        self.origins, self.sids = tuple(codes), sids
        self.row_of = sessions.table.select("row", pl.int_range(pl.len(), dtype=pl.Int64).alias("own"))
        numbered = pl.DataFrame({"sid": sids}, schema={"sid": pl.String}).join(bond_table(dict(bonds)), on="sid", how="left", maintain_order="left")
        self.bonds = numbered.with_columns(pl.col("sid", "origin_ip", "origin_session", "via").cast(pl.Categorical))
        self.bonded = numbered["origin_ip"].is_not_null().to_numpy()
        self.grades = numbered["grade"].fill_null(0).to_numpy()
        held = leases.with_columns(
            pl.Series("key", hashed(leases, "address")),
            pl.Series("number", [known[sid] for sid in leases["sid"].to_list()], dtype=pl.Int64),
            pl.Series("origin", [codes[name] for name in bare], dtype=pl.Int64),
            pl.col("start").to_physical(),
            (pl.col("end").to_physical() + GRACE_MICROS).alias("end"),
            pl.col("sid").rank("ordinal").alias("rank"),
        )
        self.by_lease = build_track(held, 2)
        table = sessions.table.select("sid", "host", "start", "until", pl.int_range(pl.len(), dtype=pl.Int64).alias("number"))
        inside = table.filter(pl.col("sid").is_in(list(bonds)) & pl.col("host").is_not_null())
        inside = inside.with_columns(
            pl.Series("key", hashed(inside, "host")),
            pl.Series("origin", [codes[bonds[sid].ip] for sid in inside["sid"].to_list()], dtype=pl.Int64),
            pl.col("start").to_physical(),
            (pl.col("until").to_physical() + GRACE_MICROS).alias("end"),
            pl.col("sid").rank("ordinal").alias("rank"),
        )
        self.by_host = build_track(inside, 0, rivals=False)
        del inside
        anyone = table.filter(pl.col("host").is_not_null())
        anyone = anyone.with_columns(
            pl.Series("key", hashed(anyone, "host")),
            pl.Series("origin", [codes[bonds[sid].ip if sid in bonds else INSIDE] for sid in anyone["sid"].to_list()], dtype=pl.Int64),
            pl.col("start").to_physical(),
            (pl.col("until").to_physical() + GRACE_MICROS).alias("end"),
            pl.col("sid").rank("ordinal").alias("rank"),
        )
        self.by_anyone = build_track(anyone, 1, rivals=False)
        self._addresses = self._spans()

    def _spans(self) -> Track:
        """The host of each address as a track; the host's number is its place in ``self._hosts``."""
        spans = self.bindings.hosts.spans()
        self._hosts = spans["host"].unique(maintain_order=True)
        numbers = {host: number for number, host in enumerate(self._hosts.to_list())}
        spans = spans.with_columns(
            pl.Series("key", hashed(spans, "address")), pl.Series("held", [numbers[host] for host in spans["host"].to_list()], dtype=pl.Int64)
        ).sort("key", "at")
        keys, first = np.unique(spans["key"].to_numpy(), return_index=True)
        return Track(
            keys,
            np.append(first, spans.height).astype(np.int64),
            spans["at"].to_numpy(),
            spans["held"].to_numpy(),
            np.zeros(spans.height, np.int8),
            {},
        )

    def find(self, events: pl.DataFrame) -> Result:
        """Return the origins of *events* (``row, host, session, user, time, kind, src_ip, scope``) but for records that name no actor.

        They are looked up slice by slice, so that what a look-up needs on the way does not grow with them.
        """
        if events.height <= SLICE:
            return self._find(events)
        parts = [self._find(part).small() for part in events.iter_slices(SLICE)]
        return Result(*(np.concatenate([getattr(part, name) for part in parts]) for name in Result.__slots__))

    def _find(self, events: pl.DataFrame) -> Result:
        height = events.height
        owner = self.ownership.find(events)
        number, grade = owner.number.copy(), owner.grade.astype(np.int64)
        how = np.where(number == NOBODY, 0, np.where(owner.piece >= 0, USER, np.where(grade == 2, ID, USER)))
        # an id whose session is long past its age is an id all the same
        beyond, by_lease = np.zeros(height, dtype=np.int64), np.full(height, -1, dtype=np.int64)
        if self.row_of.height:
            own = events.select("row").join(self.row_of, on="row", how="left", maintain_order="left")["own"].fill_null(NOBODY).to_numpy()
            # the logon itself, unless its id says more
            bare = (own != NOBODY) & (number == NOBODY)
            number[bare], grade[bare], how[bare] = own[bare], 2, ID
        result = Result(number, beyond, grade, how, owner.piece, by_lease)
        self._from_source(events, result)
        return result

    def _from_source(self, events: pl.DataFrame, result: Result) -> None:
        """Fill what is left by the address it comes from: leased, or borne by an entered host."""
        if not (len(self.by_lease.keys) or (len(self._addresses.keys) and len(self.by_host.keys))):
            return
        shared = events["scope"].cast(pl.String).is_in(_SHARED).fill_null(False)
        left = (events["src_ip"].is_not_null() & events["time"].is_not_null() & ~shared).to_numpy() & (result.number == NOBODY)
        rows = np.flatnonzero(left)
        if not len(rows):
            return
        part = ensure(events, "pattern").select("src_ip", "user", "time", "kind", "pattern")[rows]
        moments, keys = part["time"].to_physical().to_numpy(), hashed(part, "src_ip")
        place = self.by_lease.find(keys, moments)
        held = np.where(place >= 0, self.by_lease.held[place] if len(self.by_lease.held) else NOBODY, NOBODY)
        hit = held != NOBODY
        at = rows[hit]
        result.number[at], result.grade[at], result.how[at], result.beyond[at] = held[hit], self.by_lease.grade[place[hit]], LEASE, 1
        result.by_lease[at] = place[hit]
        rows, part, moments, keys = rows[~hit], part.filter(pl.Series(~hit)), moments[~hit], keys[~hit]
        place = self._addresses.find(keys, moments)
        hit = place >= 0
        if not hit.any():
            return
        rows, part, moments = rows[hit], part.filter(pl.Series(hit)), moments[hit]
        part = part.with_columns(self._hosts.gather(self._addresses.held[place[hit]]).alias("host"))
        # a failure or a connection is nobody's act on the target: it is the source that acts
        opened = part["pattern"].cast(pl.String).is_in([OUTBOUND, OUTBOUND_MAC])
        loose = (part["kind"].cast(pl.String).is_in([*OWN, str(Kind.EXEC), str(Kind.FILE_TRANSFER)]) | opened).fill_null(False).to_numpy()
        piece = self.ownership.by_user.find(hashed(part, "host", "user"), moments)
        held = np.where(piece >= 0, self.ownership.by_user.held[piece] if len(self.ownership.by_user.held) else NOBODY, NOBODY)
        same = (held != NOBODY) & loose
        at = rows[same]
        result.number[at], result.grade[at], result.how[at], result.beyond[at] = held[same], self.ownership.by_user.grade[piece[same]], SOURCE_USER, 1
        result.piece[at] = piece[same]
        other = loose & ~same & (part["kind"].cast(pl.String) != str(Kind.AUTH_SUCCESS)).fill_null(False).to_numpy()
        place = self.by_host.find(hashed(part, "host"), moments)
        held = np.where(place >= 0, self.by_host.held[place] if len(self.by_host.held) else NOBODY, NOBODY)
        some = other & (held != NOBODY)
        at = rows[some]
        result.number[at], result.grade[at], result.how[at], result.beyond[at] = held[some], 0, SOURCE, 1

    def by_volume(self, events: pl.DataFrame, result: Result) -> None:
        """Raise to ``likely`` what an entered host sent out in bulk, where nobody else was on it and it never sent as much to that address."""
        large = (events["pattern"].cast(pl.String) == "flow-volume").fill_null(value=False).to_numpy()
        if not large.any():
            return
        part = ensure(events, "dst_ip").filter(pl.Series(large)).select(
            pl.Series("at", np.flatnonzero(large)), pl.col("src_ip", "dst_ip").cast(pl.String), pl.col("time").to_physical().alias("moment")
        )  # fmt: skip
        part = part.with_columns(pl.Series("taken", (result.how[large] == SOURCE) & (result.grade[large] == 0)))
        first = (pl.col("moment") == pl.col("moment").min().over("src_ip", "dst_ip")).fill_null(value=False)
        part = part.filter(pl.col("taken") & first & pl.col("src_ip").is_not_null())
        if not part.height:
            return
        at, moments = part["at"].to_numpy(), part["moment"].to_numpy()
        place = self._addresses.find(hashed(part, "src_ip"), moments)
        hosts = pl.DataFrame({"host": self._hosts.gather(self._addresses.held[place])})
        alone = self.by_anyone.find(hashed(hosts, "host"), moments)
        sure = (place >= 0) & (alone >= 0) & (self.by_anyone.grade[alone] == 1) & (self.by_anyone.held[alone] == result.number[at])
        result.grade[at[sure]] = 1

    def columns(self, result: Result) -> pl.DataFrame:
        """Return ``origin_ip, origin_session, hop, hop_confidence`` of *result*, row by row."""
        size = len(result.number)
        if size <= SLICE:
            return self._columns(result)
        return pl.concat([self._columns(result.part(start, start + SLICE)) for start in range(0, size, SLICE)], rechunk=False)

    def _columns(self, result: Result) -> pl.DataFrame:
        number = np.where((result.number != NOBODY) & self.is_bonded(result.number), result.number, NOBODY)
        places = pl.Series("at", number).replace(NOBODY, None)
        taken = (
            self.bonds.select(pl.col("origin_ip").gather(places), pl.col("origin_session").gather(places), pl.col("hop").gather(places).alias("base"))
            if self.bonds.height
            else pl.DataFrame(
                {
                    name: pl.Series([None] * len(number), dtype=kind)
                    for name, kind in {"origin_ip": pl.Categorical, "origin_session": pl.Categorical, "base": pl.UInt8}.items()
                }
            )
        )
        grade = np.minimum(result.grade, self.grades[number]) if len(self.grades) else result.grade
        words = pl.Series("words", BY_GRADE, dtype=pl.Categorical).gather(pl.Series(np.where(number == NOBODY, 0, grade)))
        return taken.select(
            "origin_ip",
            "origin_session",
            (pl.col("base").cast(pl.Int64) + pl.Series("beyond", result.beyond)).clip(0, MAX_HOP).cast(DTYPES["hop"]).alias("hop"),
            pl.when(pl.col("origin_ip").is_not_null()).then(words).alias("hop_confidence"),
        )

    def is_bonded(self, number: Ints) -> np.ndarray:
        """Return whether sessions, by number, have an origin."""
        return self.bonded[number] if len(self.bonded) else np.zeros(len(number), dtype=np.bool_)

    def rivals(self, result: Result, place: int) -> tuple[list[str], int]:
        """Return the rivals of the event at *place* of its batch: those of its session, and those of its own attribution."""
        number = int(result.number[place])
        names: dict[str, None] = {}
        count = 0
        if 0 <= number < self.bonds.height and self.bonded[number]:
            bond = self._bonds[self.sids[number]]
            names = dict.fromkeys(bond.rivals)
            count = bond.rival_count
        track, piece = (self.by_lease, result.by_lease) if result.by_lease[place] >= 0 else (self.ownership.by_user, result.piece)
        codes, more = track.rivals.get(int(piece[place]), ((), 0))
        for code in codes:
            names[self.origins[code]] = None
        return list(names), max(count + more, len(names))


def attach(events: pl.DataFrame, sessions: Sessions, bonds: Mapping[str, Bond], bindings: Bindings | None = None) -> pl.DataFrame:
    """Return *events* with ``origin_ip, origin_session, hop, hop_confidence``; the rows and their order stay."""
    return attributed(events, sessions, bonds, bindings)[0]


def attributed(
    events: pl.DataFrame, sessions: Sessions, bonds: Mapping[str, Bond], bindings: Bindings | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return *events* as :func:`attach` does, and the attribution table (:mod:`gatewatch.schema.attribution`) of those with an origin."""
    events = ensure(events, "session", "user", "src_ip", "scope", "command", "target_user", "process", "host", "pattern")
    events = events.drop([name for name in ("origin_ip", "origin_session", "hop", "hop_confidence") if name in events.columns])
    attacher = Attacher(sessions, bonds, bindings)
    result = attacher.find(events)
    _by_tool(events, result, sessions)
    attacher.by_volume(events, result)
    found = attacher.columns(result)
    public = (events["scope"].cast(pl.String) == "public").fill_null(False) & events["src_ip"].is_not_null()
    # what the record itself says of its source outweighs a choice among rivals; of the sessions chosen it bears out those of that address
    doubtful = public & (found["hop_confidence"] == BY_GRADE[0]).fill_null(False)
    borne = doubtful & (found["origin_ip"] == events["src_ip"].cast(pl.String)).fill_null(False)
    own = public & (found["origin_ip"].is_null() | (doubtful & ~borne) | _reused(events, result, sessions))
    result.how[own.to_numpy()] = OWN_ADDRESS
    made = events.with_columns(
        pl.when(own).then(events["src_ip"].cast(pl.Categorical)).otherwise(found["origin_ip"]).alias("origin_ip"),
        pl.when(~own).then(found["origin_session"]).alias("origin_session"),
        pl.when(own).then(pl.lit(0, pl.UInt8)).otherwise(found["hop"]).cast(DTYPES["hop"]).alias("hop"),
        pl.when(own | borne).then(pl.lit(BY_GRADE[2], pl.Categorical)).otherwise(found["hop_confidence"]).alias("hop_confidence"),
    )
    if made.height <= SLICE:
        return made, _table(made, result, attacher)
    parts = [_table(made.slice(start, SLICE), result.part(start, start + SLICE), attacher) for start in range(0, made.height, SLICE)]
    return made, pl.concat(parts, rechunk=False)


def _reused(events: pl.DataFrame, result: Result, sessions: Sessions) -> pl.Series:
    """Return which facts of a connection bear the number of a process that served another one: a process serves one, and numbers return."""
    by_process = events["session"].str.starts_with("pid:").fill_null(value=False) & events["kind"].cast(pl.String).is_in(OWN).fill_null(value=False)
    numbered = (result.how == ID) & (result.number >= 0) & (result.number < sessions.table.height)
    places = pl.Series("at", np.where(numbered, result.number, NOBODY)).replace(NOBODY, None)
    source = sessions.table["src_ip"].cast(pl.String).gather(places)
    return by_process & (source != events["src_ip"].cast(pl.String)).fill_null(value=False)


def _table(events: pl.DataFrame, result: Result, attacher: Attacher) -> pl.DataFrame:
    """Return the attribution table of *events*; what is its own origin, without a session, is not in it, as there is nothing to say of it."""
    rows = events["origin_session"].is_not_null().arg_true().to_numpy()
    part = events.select("row", "origin_ip", "origin_session", "hop", pl.col("hop_confidence").alias("confidence"))[rows]
    if not len(rows):
        return pl.DataFrame(schema=ATTRIBUTION)
    number, how = result.number[rows], result.how[rows]
    # few sessions explain many events: each reason is worded once
    pairs, place = np.unique(number.astype(np.int64) * len(_VIA) + how, return_inverse=True)
    through = attacher.bonds["via"].to_list()
    words = [f"{_VIA[pair % len(_VIA)]}; {through[pair // len(_VIA)]}" for pair in pairs.tolist()]
    named: list[tuple[int, list[str], int]] = []
    for at in (part["confidence"] == BY_GRADE[0]).arg_true().to_list():
        names, count = attacher.rivals(result, int(rows[at]))
        if names:
            named.append((at, names[:MOST_RIVALS], count))
    rivals = pl.DataFrame(named, schema={"at": pl.UInt32, "rivals": pl.List(pl.String), "rival_count": pl.UInt32}, orient="row")
    part = part.with_columns(
        attacher.bonds["sid"].gather(pl.Series(number)).alias("within"),
        pl.Series("words", words, dtype=pl.Categorical).gather(pl.Series(place)).alias("via"),
    )
    joined = part.with_row_index("at").join(rivals, on="at", how="left", maintain_order="left")
    empty: list[str] = []
    return joined.with_columns(pl.col("rivals").fill_null(pl.lit(empty, pl.List(pl.String))), pl.col("rival_count").fill_null(0)).select(
        pl.col(name).cast(kind) for name, kind in ATTRIBUTION.items()
    )


def _tools() -> pl.Expr:
    """Return, as a regex, the commands that can have written an administrative record: by its program, else by what it says."""
    named = pl.col("process").str.extract(r"([^/]+)$")
    pattern = pl.col("pattern").cast(pl.String)
    return (
        pl.when(named.is_not_null())
        .then(pl.lit(r"(?:^|[/ ;&|])") + named.str.escape_regex() + pl.lit(r"(?: |$)"))
        .when(pattern.str.starts_with("user-"))
        .then(pl.lit(r"user|adduser|deluser|newusers|ch(?:fn|sh|age)"))
        .when(pattern.str.starts_with("group-"))
        .then(pl.lit(r"group|usermod|useradd|adduser|gpasswd|vigr|deluser"))
        .when(pattern.str.starts_with("password"))
        .then(pl.lit(r"passwd|chage|usermod|newusers"))
        .otherwise(pl.lit(r"user|group|passwd|crontab|systemctl|service"))
    )


def _by_tool(events: pl.DataFrame, result: Result, sessions: Sessions) -> None:
    """Explain administrative records without an actor: by the sudo command that ran the tool, else by the live session that holds root."""
    free = pl.Series("free", result.number == NOBODY)
    silent = events.filter(
        free & events["kind"].cast(pl.String).is_in([str(kind) for kind in _ADMIN]) & events["user"].is_null() & events["time"].is_not_null()
        & events["host"].is_not_null()
    )  # fmt: skip
    if not silent.height:
        return
    silent = plain(silent, "row", "host", "time", "process", "pattern").with_columns(_tools().alias("tools"))
    used = (events["kind"].cast(pl.String) == str(Kind.PRIVILEGE_USE)).fill_null(value=False).to_numpy() & np.isin(result.how, (ID, USER))
    told = plain(events.select("row", "host", "time", "kind", "pattern", "command").filter(pl.Series(used))).with_columns(
        pl.Series("number", result.number[used].astype(np.int64)), pl.Series("grade", result.grade[used])
    )
    sudo = told.filter(pl.col("command").is_not_null())
    found: list[pl.DataFrame] = []
    if sudo.height:
        ran = sudo.select("host", "number", pl.col("time").alias("at"), "command")
        # each minute has few commands: a join on host and minute, and on the one before, instead of the product of a whole host
        minute = pl.col("time").dt.truncate("1m").alias("minute")
        asked = silent.select("row", "host", "time", "tools", minute)
        near = pl.concat([asked.with_columns(pl.col("minute") + timedelta(minutes=step)) for step in (-1, 0, 1)])
        pairs = near.join(ran.with_columns(pl.col("at").dt.truncate("1m").alias("minute")), on=["host", "minute"], how="inner")
        pairs = pairs.filter(
            (pl.col("time") >= pl.col("at") - timedelta(seconds=1))
            & (pl.col("time") - pl.col("at") <= ACTORLESS)
            & pl.col("command").str.contains(pl.col("tools"))
        )
        if pairs.height:
            last = pairs.sort("row", "at").group_by("row", maintain_order=True).agg(pl.col("number").last())
            found.append(last.with_columns(pl.lit(1, pl.Int64).alias("grade")))
    rest = silent.join(found[0].select("row"), on="row", how="anti") if found else silent
    # who only disconnected is still logged on, but not at work: of those at work an act is more likely
    table = sessions.table.with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("number"), pl.col("end").alias("left"), pl.col("until").alias("end")
    )
    rights = told.filter(pl.col("pattern").cast(pl.String) == "special-privileges")["number"].unique()
    # where no Security log of a Windows host says who has rights, whoever is on its desktop may
    told_of = events.filter(pl.col("pattern").cast(pl.String) == "special-privileges")["host"].unique()
    desktop = pl.col("session").str.contains(_WINDOWS) & (pl.col("service").cast(pl.String) == str(Service.RDP))
    untold = desktop.fill_null(value=False) & ~pl.col("host").is_in(told_of.implode())
    rooted = table.filter((pl.col("user") == "root") | pl.col("number").is_in(rights.implode()) | untold.fill_null(value=False)).select(
        "host", "number", "start", "end", "left", "src_ip", "sid"
    )
    if sudo.height:
        shells = sudo.filter(pl.col("command").str.contains(_SHELL)).select("number", pl.col("time").alias("raised"))
        raised = table.join(shells, on="number", how="inner").select(
            "host", "number", pl.col("raised").alias("start"), "end", "left", "src_ip", "sid"
        )
        rooted = pl.concat([rooted, raised])
    if rest.height and rooted.height:
        found.append(_pick(_pairs(rest.select("row", "host", "time"), rooted, ["host"])))
    rows = events["row"]
    for part in found:
        if part.height:
            joined = rows.to_frame().join(part, on="row", how="left", maintain_order="left")
            hit = joined["number"].is_not_null().to_numpy()
            result.number[hit] = joined["number"].drop_nulls().to_numpy()
            result.grade[hit], result.how[hit] = joined["grade"].drop_nulls().to_numpy(), TOOL


def _pairs(rows: pl.DataFrame, intervals: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Pair each row with the last :data:`RECENT` intervals of its key begun before it (the whole product would be quadratic)."""
    ranked = intervals.sort("start", "sid").with_columns(pl.int_range(pl.len()).over(by).alias("rank"))
    last = rows.sort("time").join_asof(
        ranked.select(*by, "start", "rank").sort("start"), left_on="time", right_on="start", by=by, strategy="backward", check_sortedness=False
    )
    last = last.filter(pl.col("rank").is_not_null()).drop("start")
    reach = last.with_columns(pl.int_ranges((pl.col("rank") - (RECENT - 1)).clip(0), pl.col("rank") + 1).alias("rank")).explode("rank")
    return reach.join(ranked, on=[*by, "rank"], how="inner").drop("rank")


def _pick(pairs: pl.DataFrame) -> pl.DataFrame:
    """Choose, for each row, the live session begun last, before those that are only disconnected; ``possible`` when others compete."""
    live = pairs.filter(
        (pl.col("start") <= pl.col("time"))
        & (pl.col("end").is_null() | (pl.col("time") <= pl.col("end") + GRACE))
        & (pl.col("end").is_not_null() | (pl.col("time") - pl.col("start") <= MAX_OPEN))
    )
    live = live.with_columns((pl.col("left").is_null() | (pl.col("time") <= pl.col("left") + GRACE)).alias("at_work"))
    live = live.filter(pl.col("at_work") | ~pl.col("at_work").any().over("row"))
    chosen = live.sort("row", "start", "sid").group_by("row", maintain_order=True).agg(
        pl.col("number").last(), pl.col("src_ip").n_unique().alias("rivals")
    )  # fmt: skip
    return chosen.select("row", "number", pl.when(pl.col("rivals") > 1).then(0).otherwise(1).cast(pl.Int64).alias("grade"))

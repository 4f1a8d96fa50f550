"""Whose session an event belongs to: by the session id on the host, else by host, user and time.

Sessions are numbered by their place in the table; :class:`Ownership` holds the tracks, built once for any number of batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from gatewatch.origin.bond import Bond
from gatewatch.origin.session import GRACE, Sessions
from gatewatch.origin.track import NOBODY, OPEN_MICROS, Ints, Track, build_track, hashed
from gatewatch.schema.attribution import INSIDE
from gatewatch.schema.events import Kind

GRACE_MICROS = GRACE // GRACE.resolution
OWN = tuple(
    str(kind)
    for kind in (
        Kind.AUTH_FAILURE,
        Kind.AUTH_SUCCESS,
        Kind.AUTH_STOPPED,
        Kind.MFA_DENIED,
        Kind.CONNECTION,
        Kind.CONNECTION_CLOSED,
        Kind.CONNECTION_DENIED,
        Kind.BAN,
    )
)  # facts of their own connection: never explained by another session of the same user


class Found(NamedTuple):
    """The owner of each row: the session's number (NOBODY where none), the grade, and the piece of the user's track (-1 elsewhere)."""

    number: Ints
    grade: npt.NDArray[np.int8]
    piece: Ints


@dataclass(frozen=True)
class Ownership:
    """The tracks of all sessions; ``sids`` by number, ``origins`` the names of the codes of rivals."""

    sids: Sequence[str]
    origins: Sequence[str]
    by_id: Track
    by_user: Track
    by_unnumbered: Track  # the same without the sessions that Windows numbers: another number is another logon

    @classmethod
    def of(cls, sessions: Sessions, bonds: Mapping[str, Bond]) -> Ownership:
        """Return the tracks of *sessions*; sessions of one origin (*bonds*) are no rivals of each other."""
        table = sessions.table.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("number"), "sid", "host", "user", "session", "start", "until")
        sids = table["sid"].to_list()
        codes: dict[str, int] = {INSIDE: 0}
        told = [codes.setdefault(bonds[sid].ip, len(codes)) if sid in bonds else 0 for sid in sids]
        table = table.with_columns(pl.Series("origin", told, dtype=pl.Int64))
        numbers = table.select("sid", "number", "origin")
        ids = sessions.ids.join(numbers, on="sid", how="inner", maintain_order="left").sort("host", "session", "start", "sid")
        ids = ids.with_columns(pl.Series("key", hashed(ids, "host", "session")), pl.col("start").to_physical(), pl.col("until").to_physical())
        # an id that is given anew names the later session only
        ids = ids.with_columns(pl.col("start").shift(-1).over("host", "session").alias("next"))
        ids = ids.with_columns(pl.min_horizontal("until", pl.col("next") - 1).alias("end"), pl.int_range(pl.len()).alias("rank"))
        ids = _aged(ids)
        ids = ids.filter(pl.col("end").is_null() | (pl.col("end") >= pl.col("start")))
        people = table.filter(pl.col("user").is_not_null() & pl.col("host").is_not_null())
        people = people.with_columns(
            pl.Series("key", hashed(people, "host", "user")),
            pl.col("start").to_physical(),
            (pl.col("until").to_physical() + GRACE_MICROS).alias("end"),
            pl.col("sid").rank("ordinal").alias("rank"),
        )
        by_number = people["session"].str.starts_with("logon:").fill_null(False)
        by_user = build_track(people, 1)
        return cls(sids, tuple(codes), build_track(ids, 2), by_user, build_track(people.filter(~by_number), 1) if by_number.any() else by_user)

    def find(self, events: pl.DataFrame) -> Found:
        """Return the owners of *events* (``row, host, session, user, time, kind``), by id, else by user."""
        height = events.height
        number = np.full(height, NOBODY, dtype=np.int64)
        grade = np.zeros(height, dtype=np.int8)
        piece = np.full(height, -1, dtype=np.int64)
        dated = events["time"].is_not_null().to_numpy()
        moments = events["time"].to_physical().fill_null(0).to_numpy()
        named = np.flatnonzero(dated & events["session"].is_not_null().to_numpy())
        if len(named) and len(self.by_id.keys):
            keys = hashed(events.select("host", "session")[named] if len(named) < height else events, "host", "session")
            place = self.by_id.find(keys, moments[named])
            hit = place >= 0
            number[named[hit]], grade[named[hit]] = self.by_id.held[place[hit]], self.by_id.grade[place[hit]]
        free = dated & (number == NOBODY) & events["user"].is_not_null().to_numpy()
        loose = ~events["kind"].cast(pl.String).is_in(OWN) & ~events["session"].str.starts_with("pid:").fill_null(False)
        rows = np.flatnonzero(free & loose.fill_null(True).to_numpy())
        if len(rows):
            part = events.select("host", "user", "session")[rows]
            keys = hashed(part, "host", "user")
            numbered = part["session"].str.starts_with("logon:").fill_null(False).to_numpy()
            for track, some in ((self.by_user, ~numbered), (self.by_unnumbered, numbered)):
                at = rows[some]
                if not len(at):
                    continue
                place = track.find(keys[some], moments[at])
                hit = place >= 0
                number[at[hit]], grade[at[hit]] = track.held[place[hit]], track.grade[place[hit]]
                if track is self.by_user:
                    piece[at[hit]] = place[hit]
        return Found(number, grade, piece)


def _aged(ids: pl.DataFrame) -> pl.DataFrame:
    """Cut the ids that end only because they were given anew where their sessions pass their age: from there on they are possible."""
    ids = ids.with_columns(pl.lit(2, pl.Int8).alias("sure"))
    limit = pl.col("start") + OPEN_MICROS
    long = pl.col("until").is_null() & pl.col("end").is_not_null() & (pl.col("end") > limit)
    old = ids.filter(long)
    if not old.height:
        return ids
    late = old.with_columns((limit + 1).alias("start"), pl.lit(0, pl.Int8).alias("sure"))
    return pl.concat([ids.filter(long.not_()), old.with_columns(limit.alias("end")), late])

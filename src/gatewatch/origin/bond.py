"""A bond: the outside origin of a session, as attribution found it."""

from __future__ import annotations

import msgspec
import polars as pl

from gatewatch.schema.attribution import GRADE


class Bond(msgspec.Struct, frozen=True, gc=False):
    """The outside origin of a session: address, the outside session it began with, hops since, confidence.

    ``parent`` is the session it came through (None at hop 0), ``via`` the reason in words, ``rivals`` the other origins it could have (at most
    eight; ``rival_count`` is their true number, of the sessions that were looked at).
    """

    ip: str
    session: str
    hop: int
    confidence: str
    parent: str | None = None
    via: str = ""
    rivals: tuple[str, ...] = ()
    rival_count: int = 0


def bond_table(bonds: dict[str, Bond]) -> pl.DataFrame:
    """Return *bonds* as a table: ``sid, origin_ip, origin_session, hop, grade, parent, via``, by ``sid``."""
    sids = sorted(bonds)
    chosen = [bonds[sid] for sid in sids]
    return pl.DataFrame(
        {
            "sid": pl.Series(sids, dtype=pl.String),
            "origin_ip": pl.Series([bond.ip for bond in chosen], dtype=pl.String),
            "origin_session": pl.Series([bond.session for bond in chosen], dtype=pl.String),
            "hop": pl.Series([bond.hop for bond in chosen], dtype=pl.UInt8),
            "grade": pl.Series([GRADE[bond.confidence] for bond in chosen], dtype=pl.Int8),
            "parent": pl.Series([bond.parent for bond in chosen], dtype=pl.String),
            "via": pl.Series([bond.via for bond in chosen], dtype=pl.String),
        }
    )

"""The sources gatewatch knows, and which of them a record goes to.

A record goes to the source that lists its program (by its last path component), else to the one whose ``claims`` fits the program, else to the
one whose ``claims_message`` fits the text: PAM modules log under any program's name. What none claims is nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Protocol

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources import auditd, cron, fail2ban, logind, pam, sftp, shadow, sshd, su, sudo, system, utmp
from gatewatch.sources.pattern import Outcome, PatternSource


class Source(Protocol):
    """What every source has: a name users see, the programs it claims, where its format is described, and how it decodes."""

    @property
    def name(self) -> str:
        """The id users see, and the column ``source``."""

    @property
    def title(self) -> str:
        """What it is, in words."""

    @property
    def programs(self) -> tuple[str, ...]:
        """The syslog identifiers it claims."""

    @property
    def references(self) -> tuple[str, ...]:
        """Where the format is described."""

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:
        """Decode a batch of records whose program is one of ours."""


SOURCES: tuple[Source, ...] = (
    sshd.SOURCE,
    sftp.SOURCE,
    sudo.SOURCE,
    su.SOURCE,
    logind.SOURCE,
    shadow.SOURCE,
    cron.SOURCE,
    fail2ban.SOURCE,
    auditd.SOURCE,
    utmp.SOURCE,
    system.SOURCE,
    pam.SOURCE,
)

_BY_PROGRAM: dict[str, Source] = {program: source for source in reversed(SOURCES) for program in source.programs}
_CLAIMS = tuple((re.compile(source.claims), source) for source in SOURCES if isinstance(source, PatternSource) and source.claims)
_BY_MESSAGE = tuple((source.claims_message, source) for source in SOURCES if isinstance(source, PatternSource) and source.claims_message)


@lru_cache(maxsize=4096)
def source_for(program: str) -> Source | None:
    """Return the source that claims the syslog identifier *program*, or None.

    >>> source_for("/usr/sbin/sshd").name, source_for("sshd(pam_unix)").name, source_for("dhclient")
    ('sshd', 'pam', None)
    """
    name = program.rsplit("/", 1)[-1] if program.startswith("/") else program
    found = _BY_PROGRAM.get(name)
    if found is None:
        found = next((source for regex, source in _CLAIMS if regex.search(name)), None)
    return found


def split(records: pl.DataFrame) -> tuple[list[tuple[Source, pl.DataFrame]], pl.DataFrame]:
    """Return the batches of *records* by source, in the order of :data:`SOURCES`, and the records that nobody claims.

    Every record is in exactly one of them; within a batch the order is kept.
    """
    programs = records["program"].unique().to_list()
    places = {id(source): place for place, source in enumerate(SOURCES)}
    known = {program: places[id(source)] for program in programs if program is not None and (source := source_for(program)) is not None}
    if len(programs) == 1 and known:
        return [(SOURCES[known[programs[0]]], records)], records.clear()
    place = pl.col("program").replace_strict(known, default=None, return_dtype=pl.UInt16) if known else pl.lit(None, pl.UInt16)
    for regex, source in _BY_MESSAGE:
        claimed = pl.col("message").str.contains(regex).fill_null(False)
        place = pl.when(place.is_null() & claimed).then(pl.lit(places[id(source)], pl.UInt16)).otherwise(place)
    coded = records.with_columns(place.alias("zz_source"))
    places_found = coded["zz_source"].unique().to_list()
    if len(places_found) == 1:
        only = places_found[0]
        return ([], records) if only is None else ([(SOURCES[only], records)], records.clear())
    parts: dict[int | None, pl.DataFrame] = {
        key[0]: part.drop("zz_source") for key, part in coded.partition_by("zz_source", as_dict=True, maintain_order=True).items()
    }
    unclaimed = parts.pop(None, records.clear())
    return [(SOURCES[key], part) for key, part in sorted(parts.items()) if key is not None], unclaimed

"""One failed Windows logon, one event: what Security, RdpCoreTS, NTLM validation and OpenSSH say of the same attempt become one row.

Under network-level authentication 4625 names the account and the client's own name, often without its address, and RdpCoreTS 140 the address
without an account. They are joined by host and instant; where several addresses failed in the same seconds, by the client name whose address is known
from quieter moments; and where even that does not tell, they stay two rows, one with the account, one with the address: never a guess.
Older systems write no 140; there the connection (131) that preceded the failure gives the address, if it is the only one.

Reports that add nothing are dropped: 140 beside a 4625 with the same address, 4776 and Kerberos failures beside a 4625 of the account, 4625 of the
OpenSSH service beside sshd's own line.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gatewatch.schema.events import DTYPES, Kind, ensure

NEAR = 3_000_000  # µs between reports of one attempt
BEFORE = 15_000_000  # µs from a connection to the failure it ends in
LOGON, RDP, KERBEROS, OPENSSH = "windows-logon", "windows-rdp", "windows-kerberos", "windows-openssh"
CONNECTION, REFUSED = "rdp-connection", "rdp-failure"
NTLM = "ntlm-failure"
_BY_NETWORK = ("failure-network", "failure-rdp")
_COMPARED = pl.Categorical()  # texts by number: they are compared by the hundred thousand

Ints = NDArray[np.int64]


def join_failures(failures: pl.DataFrame, connections: pl.DataFrame) -> pl.DataFrame:
    """Return the Windows failures of *failures* (kind auth_failure, any source) with reports of one attempt merged; other rows pass.

    *connections*: RdpCoreTS 131 of the same stretch (``host, time, src_ip``). Adds addresses, ``service`` rdp and ``corroborated_by``.
    """
    if not failures.height:
        return failures
    failures = ensure(failures, "user", "src_ip", "src_host", "host", "service", "corroborated_by")
    source, pattern = failures["source"].cast(pl.String), failures["pattern"].cast(pl.String)
    if not source.is_in([LOGON, RDP, KERBEROS, OPENSSH]).any():
        return failures
    table = failures.with_row_index("zz_row").with_columns(
        source.cast(_COMPARED).alias("zz_source"),
        pattern.cast(_COMPARED).alias("zz_pattern"),
        pl.col("time").dt.epoch("us").alias("zz_at"),
        *(pl.col(name).cast(_COMPARED).alias(f"zz_{name}") for name in ("host", "user", "src_ip", "src_host")),
    )
    compared = [name for name in table.columns if name.startswith("zz_") or name == "service"]
    timed = table.select(compared)
    if timed["zz_at"].null_count():
        timed = timed.filter(pl.col("zz_at").is_not_null())
    logons = timed.filter(pl.col("zz_source") == LOGON)
    gone: list[pl.Series] = []
    said: list[pl.DataFrame] = []
    refused = timed.filter((pl.col("zz_source") == RDP) & (pl.col("zz_pattern") == REFUSED))
    placed = _place(logons.filter(pl.col("zz_pattern").is_in(_BY_NETWORK)), refused, connections)
    table = _with_addresses(table, placed)
    known = table.select(compared).filter((pl.col("zz_source") == LOGON) & pl.col("zz_src_ip").is_not_null() & pl.col("zz_at").is_not_null())
    table = table.drop([name for name in compared if name not in ("zz_row", "service")])  # they would be copied with every step that follows
    beside = _beside(refused, known, ["zz_host", "zz_src_ip"])
    del known
    gone.append(beside["zz_row"])
    said.append(beside.select(pl.col("zz_other").alias("zz_row"), pl.lit(RDP).alias("by")))
    table = table.with_columns(
        pl.when(pl.col("zz_row").is_in(beside["zz_other"].implode()))
        .then(pl.lit("rdp"))
        .otherwise(pl.col("service").cast(pl.String))
        .cast(DTYPES["service"])
        .alias("service")
    )
    validated = timed.filter((pl.col("zz_source") == KERBEROS) & pl.col("zz_user").is_not_null())
    beside = _beside(validated, logons, ["zz_user"])
    gone.append(beside["zz_row"])
    said.append(beside.select(pl.col("zz_other").alias("zz_row"), pl.lit(KERBEROS).alias("by")))
    table = _with_names(table, beside)
    beside = _beside(logons.filter(pl.col("service").cast(pl.String) == "ssh"), timed.filter(pl.col("zz_source") == OPENSSH), ["zz_host", "zz_user"])
    gone.append(beside["zz_row"])
    said.append(beside.select(pl.col("zz_other").alias("zz_row"), pl.lit(LOGON).alias("by")))
    dropped = pl.concat(gone).unique()
    table = table.filter(~pl.col("zz_row").is_in(dropped.implode()))
    by = pl.concat(said).group_by("zz_row").agg(pl.col("by").unique().sort())
    table = table.join(by, on="zz_row", how="left", maintain_order="left").with_columns(
        pl.coalesce("by", "corroborated_by").cast(DTYPES["corroborated_by"]).alias("corroborated_by")
    )
    return table.drop("by", *[name for name in table.columns if name.startswith("zz_")])


class StopPlaces:
    """Addresses for right passwords that were stopped (4625 with ``-``): found as those of failures are, over all slices of the bulk events."""

    def __init__(self, events: pl.DataFrame) -> None:
        """Take all other events, of which the stops lack their address."""
        self._events = events
        events = ensure(events, "src_ip", "src_host", "host", "pattern").with_row_index("zz_row")
        lacking = (pl.col("kind").cast(pl.String) == str(Kind.AUTH_STOPPED)) & pl.col("src_ip").is_null() & pl.col("time").is_not_null()
        self._lost = _keyed(events.filter(lacking & (pl.col("source").cast(pl.String) == LOGON)))
        self._found: list[pl.DataFrame] = []

    def look(self, failures: pl.DataFrame, connections: pl.DataFrame) -> None:
        """Look at a slice: its failures and RdpCoreTS 131."""
        if self._lost.height:
            ours = (pl.col("source").cast(pl.String) == RDP) & (pl.col("pattern").cast(pl.String) == REFUSED) & pl.col("time").is_not_null()
            refused = _keyed(ensure(failures, "src_ip", "src_host", "host", "user").with_row_index("zz_row").filter(ours))
            self._found.append(_place(self._lost, refused, connections))

    def placed(self) -> pl.DataFrame:
        """Return the events with the addresses that were found; where slices disagree, none."""
        found = pl.concat(self._found) if self._found else None
        if found is None or not found.height:
            return self._events
        sure = found.unique().filter(pl.len().over("zz_row") == 1)
        joined = ensure(self._events, "src_ip").with_row_index("zz_row").join(sure, on="zz_row", how="left", maintain_order="left")
        rdp = pl.when(pl.col("address").is_not_null()).then(pl.lit("rdp")).otherwise(pl.col("service").cast(pl.String)).cast(DTYPES["service"])
        return joined.with_columns(pl.coalesce("src_ip", "address").alias("src_ip"), rdp.alias("service")).drop("zz_row", "address")


def _keyed(table: pl.DataFrame) -> pl.DataFrame:
    """Return *table* with the columns that joining compares, plain."""
    return table.with_columns(
        pl.col("time").dt.epoch("us").alias("zz_at"), *(pl.col(name).cast(_COMPARED).alias(f"zz_{name}") for name in ("host", "src_ip", "src_host"))
    )


def _place(lost: pl.DataFrame, refused: pl.DataFrame, connections: pl.DataFrame) -> pl.DataFrame:
    """Return ``zz_row, address`` for the failures of *lost* without an address that one address explains."""
    lost = lost.filter(pl.col("zz_src_ip").is_null() & pl.col("zz_host").is_not_null())
    if not lost.height:
        return pl.DataFrame(schema={"zz_row": pl.UInt32, "address": pl.String})
    near = refused.select("zz_host", "zz_at", "zz_src_ip")
    calls = connections.select(
        pl.col("host").cast(_COMPARED).alias("zz_host"),
        pl.col("time").dt.epoch("us").alias("zz_at"),
        pl.col("src_ip").cast(_COMPARED).alias("zz_src_ip"),
    ).drop_nulls()
    found: list[tuple[int, str]] = []
    for (host,), part in lost.sort("zz_at", "zz_row").partition_by("zz_host", as_dict=True, maintain_order=True).items():
        answers = near.filter(pl.col("zz_host") == host).sort("zz_at")
        knocks = calls.filter(pl.col("zz_host") == host).sort("zz_at")
        found += _place_on_host(part, answers, knocks)
    return pl.DataFrame(found, schema={"zz_row": pl.UInt32, "address": pl.String}, orient="row")


def _place_on_host(lost: pl.DataFrame, answers: pl.DataFrame, knocks: pl.DataFrame) -> list[tuple[int, str]]:
    at = lost["zz_at"].to_numpy()
    single, several = _only_address(answers, at - NEAR, at + NEAR)
    quiet = np.array([not many for many in several]) & np.array([address is None for address in single])
    if quiet.any() and knocks.height:
        before, _ = _only_address(knocks, at - BEFORE, at + NEAR)
        single = [before[place] if quiet[place] else address for place, address in enumerate(single)]
    names = lost["zz_src_host"].to_list()
    rows = lost["zz_row"].to_list()
    learnt: dict[str, set[str]] = {}
    for name, address in zip(names, single, strict=True):
        if name is not None and address is not None:
            learnt.setdefault(name, set()).add(address)
    result = []
    for row, name, address, many in zip(rows, names, single, several, strict=True):
        if address is not None:
            result.append((row, address))
        elif many and name is not None and len(learnt.get(name, ())) == 1 and (only := next(iter(learnt[name]))) in many:
            result.append((row, only))
    return result


def _only_address(answers: pl.DataFrame, first: Ints, last: Ints) -> tuple[list[str | None], list[frozenset[str]]]:
    """Return, for each stretch, the one address that *answers* holds in it, else None, and which where there are several."""
    if not answers.height:
        return [None] * len(first), [frozenset()] * len(first)
    at, addresses = answers["zz_at"].to_numpy(), answers["zz_src_ip"].to_list()
    turns = np.zeros(len(addresses), np.int64)
    turns[1:] = np.cumsum([one != other for one, other in zip(addresses[1:], addresses[:-1], strict=True)])
    low, high = np.searchsorted(at, first), np.searchsorted(at, last, side="right")
    single: list[str | None] = []
    several: list[frozenset[str]] = []
    for start, stop in zip(low.tolist(), high.tolist(), strict=True):
        one = start < stop and (turns[start] == turns[stop - 1] or len(set(addresses[start:stop])) == 1)
        single.append(addresses[start] if one else None)
        several.append(frozenset() if one or start == stop else frozenset(addresses[start:stop]))
    return single, several


def _beside(reports: pl.DataFrame, better: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return the *reports* that have a row of *better* with the same values of *by* close in time: ``zz_row, zz_other`` and the client's name."""
    schema: dict[str, pl.DataType] = {"zz_row": pl.UInt32(), "zz_other": pl.UInt32(), "zz_name": _COMPARED}
    if not reports.height or not better.height:
        return pl.DataFrame(schema=schema)
    left = reports.drop_nulls(by).sort("zz_at").select(*by, "zz_at", "zz_row", pl.col("zz_src_host").alias("zz_name"))
    right = better.drop_nulls(by).sort("zz_at").select(*by, "zz_at", pl.col("zz_row").alias("zz_other"))
    joined = left.join_asof(right, on="zz_at", by=by, strategy="nearest", tolerance=NEAR, check_sortedness=False)
    return joined.filter(pl.col("zz_other").is_not_null() & (pl.col("zz_other") != pl.col("zz_row"))).select(*schema)


def _with_addresses(table: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    if not placed.height:
        return table
    table = table.join(placed, on="zz_row", how="left", maintain_order="left")
    return table.with_columns(
        pl.coalesce("src_ip", pl.col("address").cast(table["src_ip"].dtype)).alias("src_ip"),
        pl.coalesce("zz_src_ip", pl.col("address").cast(_COMPARED)).alias("zz_src_ip"),
    ).drop("address")


def _with_names(table: pl.DataFrame, beside: pl.DataFrame) -> pl.DataFrame:
    """Give failures without a client's name the one that the validation of the same attempt saw."""
    names = beside.drop_nulls("zz_name").select(pl.col("zz_other").alias("zz_row"), "zz_name").unique("zz_row", keep="first", maintain_order=True)
    if not names.height:
        return table
    table = table.join(names, on="zz_row", how="left", maintain_order="left")
    return table.with_columns(pl.coalesce("src_host", pl.col("zz_name").cast(table["src_host"].dtype)).alias("src_host")).drop("zz_name")

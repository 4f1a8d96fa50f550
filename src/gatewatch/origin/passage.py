"""Passages: evidence that a session went on to another host, perhaps under another name.

=====================  ===========================================================  =====================================================
evidence               what it says                                                 a logon follows within
=====================  ===========================================================  =====================================================
gateway relay          RD Gateway 302, an ICA session, a bastion: user and target,  the relay's session, where the target sees the gateway's
                       while the target sees the gateway's address; a portal in a   address; :data:`SOON` where nobody knows whose it is
                       browser (service web) logs on there as any account
explicit credentials   4648 towards another host: the account that was used         :data:`LATER`
remote client          RDP, WinRM or Sysmon's record of an outgoing connection      :data:`LATER`
port forwarding        a port opened through an SSH session: target, no account     :data:`LATER`
client program         ssh, plink, mstsc, psexec … ran in the session   :data:`SOON`
                       and names the target; kubectl, helm, docker need not: the
                       cluster is what they are configured for
=====================  ===========================================================  =====================================================

Columns: ``host`` (where it starts), ``sid, user`` (of the session), ``grade`` (of the session's ownership), ``start, end``, ``to_host`` (short),
``to_ip``, ``account`` (null where it does not say), ``words`` (of a command: it may name the target), ``via, relay``.

A *guise* is a passage that stays on its host: a session that became another account (su, a shell by sudo) and goes on as that one.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from gatewatch.origin.address import Hosts
from gatewatch.origin.ownership import Ownership
from gatewatch.origin.session import Sessions
from gatewatch.origin.track import NOBODY
from gatewatch.schema import client
from gatewatch.schema.client import account_named, pattern
from gatewatch.schema.events import UTC, Kind, Service, ensure
from gatewatch.schema.packing import plain

BEFORE = timedelta(seconds=5)  # the target may write first
SOON = timedelta(minutes=2)
LATER = timedelta(minutes=5)
API_CLIENT = pattern(client.CLUSTER)
CLUSTER = "\0cluster"  # the target of a command that is configured for one
GATEWAYS = (Service.RDGATEWAY, Service.CITRIX, Service.WEB)
_CLIENT = rf"{pattern(client.CLIENTS)}|\b(?i:open)\s+(?:-\S+\s+)*[\"']?(?:vnc|ssh|smb|afp)://"
_WORD = r"[0-9a-z_][0-9a-z._-]*"
_SHELL = r"(?:^|/)(?:su|bash|sh|zsh|dash|fish|ksh)(?: |$)|(?:^|/)sudo (?:-i|-s|su)"
PASSAGES = pl.Schema(
    {
        "host": pl.String(),
        "sid": pl.String(),
        "user": pl.String(),
        "grade": pl.Int8(),
        "start": UTC,
        "end": UTC,
        "to_host": pl.String(),
        "to_ip": pl.String(),
        "account": pl.String(),
        "words": pl.List(pl.String()),
        "via": pl.String(),
        "relay": pl.Boolean(),
    }
)


_READ = (
    "host", "session", "user", "target_user", "dst_ip", "dst_host", "object", "command", "service", "time", "kind", "pattern", "process",
)  # fmt: skip


def short(name: pl.Expr) -> pl.Expr:
    """Return the first label of a host's name, case-folded; an address is no name."""
    folded = name.str.to_lowercase()
    return pl.when(~folded.str.contains(r"^[0-9.]+$|:")).then(folded.str.extract(r"^([^.]+)"))


def passages(events: pl.DataFrame, sessions: Sessions, hosts: Hosts, owners: Ownership) -> pl.DataFrame:
    """Return the passages that enriched *events* tell of, by start (columns: :data:`PASSAGES`); *owners*: the tracks of *sessions*."""
    events = ensure(events, *_READ)
    kind = pl.col("kind").cast(pl.String)
    aimed = pl.col("dst_ip").is_not_null() | pl.col("dst_host").is_not_null()
    relay = (
        kind.is_in([str(Kind.AUTH_SUCCESS), str(Kind.SESSION_START)]) & aimed & pl.col("service").cast(pl.String).is_in([str(s) for s in GATEWAYS])
    )
    out = (kind == str(Kind.LOGON_OUT)) | ((kind == str(Kind.PORT_FORWARD)) & aimed)
    ran = kind.is_in([str(Kind.EXEC), str(Kind.PRIVILEGE_USE)]) & pl.col("command").str.contains(_CLIENT)
    part = events.filter((relay | out | ran).fill_null(False) & pl.col("time").is_not_null() & pl.col("host").is_not_null())
    if not part.height or not sessions.table.height:
        return pl.DataFrame(schema=PASSAGES)
    part = plain(part, "row", *_READ)
    found = owners.find(part)
    own = part.select("row").join(sessions.table.select("row", pl.col("sid").alias("own")), on="row", how="left", maintain_order="left")["own"]
    part = part.with_columns(pl.Series("number", found.number), pl.Series("grade", found.grade))
    by_number = (
        sessions.table.select(pl.col("sid"), pl.col("user").alias("session_user"), "until").with_row_index("number").cast({"number": pl.Int64})
    )
    part = part.join(by_number, on="number", how="left", maintain_order="left").with_columns(pl.coalesce(own, "sid").alias("sid"))
    part = part.with_columns(pl.when(own.is_not_null()).then(pl.lit(2, pl.Int8)).otherwise("grade").alias("grade"))
    part = part.filter(pl.col("sid").is_not_null() & ((pl.col("number") != NOBODY) | own.is_not_null()))
    part = part.join(
        sessions.table.select("sid", pl.col("user").alias("by"), pl.col("until").alias("over")), on="sid", how="left", maintain_order="left"
    )
    borne = [hosts.at(address, moment) for address, moment in part.select("dst_ip", pl.col("time").to_physical()).iter_rows()]
    part = part.with_columns(pl.Series("at", borne, dtype=pl.String))
    forwarded = kind == str(Kind.PORT_FORWARD)
    gate = relay.fill_null(False)
    portal = (pl.col("service").cast(pl.String) == str(Service.WEB)).fill_null(False)
    until = pl.when(gate).then("over").when(ran.fill_null(False)).then(pl.col("time") + SOON).otherwise(pl.col("time") + LATER)
    via = (
        pl.when(gate).then(pl.lit("relay by ") + pl.col("host"))
        .when(forwarded).then(pl.lit("port forwarding on ") + pl.col("host"))
        .when(ran.fill_null(False)).then(pl.lit("client program on ") + pl.col("host"))
        .when(pl.col("pattern").cast(pl.String) == "explicit-credentials").then(pl.lit("explicit credentials on ") + pl.col("host"))
        .otherwise(pl.lit("remote client on ") + pl.col("host"))
    )  # fmt: skip
    named = pl.col("command").str.to_lowercase().str.slice(0, 400).str.extract_all(_WORD)
    api = pl.when(pl.col("command").str.to_lowercase().str.contains(API_CLIENT)).then(named.list.concat(pl.lit([CLUSTER]))).otherwise(named)
    words = pl.when(ran.fill_null(False)).then(api)
    part = part.with_columns(pl.Series("as_whom", [account_named(command) for command in part["command"].to_list()], dtype=pl.String))
    made = part.select(
        "host", "sid", pl.col("by").alias("user"), "grade", (pl.col("time") - BEFORE).alias("start"), until.alias("end"),
        pl.coalesce(short(pl.col("dst_host")), short(pl.col("at"))).alias("to_host"),
        pl.col("dst_ip").alias("to_ip"),
        pl.when(gate & ~portal)
        .then("user")
        .when(ran.fill_null(False))
        .then(pl.col("as_whom").str.to_lowercase())
        .otherwise("target_user")
        .alias("account"),
        words.alias("words"), via.alias("via"), gate.alias("relay"),
    )  # fmt: skip
    # towards the host itself nothing leads on
    return made.filter(pl.col("to_host").is_null() | (pl.col("to_host") != short(pl.col("host")))).sort("start", "host", "sid")


GUISES = pl.Schema(
    {"host": pl.String(), "sid": pl.String(), "user": pl.String(), "account": pl.String(), "grade": pl.Int8(), "start": UTC, "end": UTC}
)


def guises(events: pl.DataFrame, sessions: Sessions, owners: Ownership) -> pl.DataFrame:
    """Return the accounts that sessions became on their host, by start (columns: :data:`GUISES`); *owners*: the tracks of *sessions*."""
    events = ensure(events, "host", "session", "user", "target_user", "command", "time", "kind", "source")
    shell = (pl.col("source").cast(pl.String) == "su") | pl.col("command").str.contains(_SHELL)
    part = events.filter(
        ((pl.col("kind").cast(pl.String) == str(Kind.PRIVILEGE_USE)) & shell & (pl.col("target_user") != pl.col("user"))).fill_null(False)
        & pl.col("time").is_not_null()
        & pl.col("host").is_not_null()
    )
    if not part.height or not sessions.table.height:
        return pl.DataFrame(schema=GUISES)
    part = plain(part, "row", "host", "session", "user", "target_user", "time", "kind")
    found = owners.find(part)
    by_number = (
        sessions.table.select("sid", pl.col("user").alias("by"), pl.col("until").alias("end")).with_row_index("number").cast({"number": pl.Int64})
    )
    part = part.with_columns(pl.Series("number", found.number), pl.Series("grade", found.grade)).join(
        by_number, on="number", how="inner", maintain_order="left"
    )
    return part.select(
        "host", "sid", pl.col("by").alias("user"), pl.col("target_user").alias("account"), "grade", pl.col("time").alias("start"), "end"
    ).sort("start", "host", "sid", "account")

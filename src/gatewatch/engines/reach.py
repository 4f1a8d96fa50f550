"""Reach: which of the many events can concern somebody who came in from outside. The others are counted and leave memory.

That loses nothing. An act is explained by the ids of a session from outside, by its user on the host, by an outside address of its own, or by the
address of a host or session that was entered (:func:`gatewatch.origin.attach.attach`). Where a chain asks what happened on a host by whomever, it
asks for what follows soon on a host whose Docker API or kubelet answered the outside (:data:`RULED`), and for the alerts of a sensor soon after
somebody came in (:data:`ALERTED`); a command that may have opened an entered host counts whoever ran it (:data:`OPENING`). A failure takes part in a
match only where it shares its address, client name or account with a logon that has an outside origin (keys never mix); whether an address tries many
accounts is told by a few of its failures.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from gatewatch.canonical.merge import lend_sources
from gatewatch.detect.sigma_fragment import FRAGMENTS
from gatewatch.engines.collect import FileState
from gatewatch.engines.order import in_order
from gatewatch.enrich.apply import Enricher
from gatewatch.origin.address import learn_hosts
from gatewatch.origin.attribution import Bindings, attribute, bind
from gatewatch.origin.clock import clocks
from gatewatch.origin.session import build, outside
from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind, Scope, Service
from gatewatch.schema.packing import plain
from gatewatch.site.model import Site

_READ = frozenset({
    "time", "time_err", "kind", "service", "source", "pattern", "host", "host_ip", "user", "target_user", "src_ip", "src_host", "dst_ip", "dst_host",
    "session", "linked_session", "assigned_ip", "auth_method", "process", "command", "object", "extra",
    "file_id", "record", "event_record", "channel",
})  # fmt: skip
"""What sessions, leases and passages are told by, and the order of events."""
RULED = timedelta(hours=2)  # the longest that chains wait for what follows on a host that was ruled from outside, by whomever
ALERTED = timedelta(hours=1)  # ... and for the alert of a sensor on a host that somebody entered
_PLANES = (str(Service.DOCKER_API), str(Service.KUBELET))
_ANSWERED = (str(Kind.SESSION_START), str(Kind.CONTAINER_EXEC), str(Kind.PORT_FORWARD))
_SENSORS = ("falco-events",)
_ACT = ("host", "session", "user", "src_ip", "time", "source", "command")
OPENING = (
    r"(?i)terminal server|tsconnections|termservice|psremoting|winrm|wsman|socketfilterfw|pfctl|\bufw\b|iptables|\bnft\b|firewall|mpssvc|ssh|socat|"
    r"\s-R|/dev/(?:tcp|udp)/|\bn(?:c|c64|cat|etcat)\b|mkfifo|pty\.spawn|portproxy|tcpclient|\btor\b|torrc|hiddenservice|\.onion|nt-service|obfs4|"
    r"lyrebird|snowflake|setremotelogin|kickstart|vnc|screensharing|powercat|htran|\blcx|earthworm|ew_for_win|termite|\biox|\bgost|stowaway|venom|"
    r"devtunnel|\bcode|tailscale|cloudflared|zerotier|xrdp|anydesk|" + "|".join(FRAGMENTS[name] for name in ("remote", "winremote", "wintunnel"))
)
"""What is in every command that a rule takes for the opening of a host: a way in that somebody else may use later."""
NAMES = 8  # accounts of one address that are kept to tell a spray


class Reach:
    """Keeps what sessions from outside can reach, given all other events than acts and bulk ones; ``clocks``: what is wrong with whose clock."""

    def __init__(self, events: pl.DataFrame, files: Sequence[FileState], site: Site) -> None:
        """Find the sessions from outside among *events* (settled, merged)."""
        self._enrich = Enricher(site)
        events = self._enrich(lend_sources(in_order(events.select(name for name in events.columns if name in _READ), files)))
        self.clocks = clocks(events, learn_hosts(events, site.addresses()))
        if self.clocks.ahead:
            events = self.clocks.correct(events).drop("row").sort("time", "stream", "position", nulls_last=True).with_row_index("row")
        sessions = build(events)
        bindings = bind(events, sessions, site.addresses())
        # commands are not read yet, and they may be evidence: whatever an entered host may have caused counts here
        bonds = attribute(sessions, bindings, loose=True)
        entered = sessions.table.filter(pl.col("sid").is_in(sorted(bonds)))
        self._ids = sessions.ids.filter(pl.col("sid").is_in(sorted(bonds))).select("host", "session").unique()
        self._users = entered.select("host", "user").drop_nulls().unique()
        # a stop may be given its address later; a second factor that was denied is one where the password is known to be right
        stopped = pl.col("kind").is_in([str(Kind.AUTH_STOPPED), str(Kind.MFA_DENIED)])
        anchors = events.filter(pl.col("row").is_in(entered["row"].implode()) | outside() | stopped)
        answered = pl.col("kind").cast(pl.String).is_in(_ANSWERED) & pl.col("service").cast(pl.String).is_in(_PLANES)
        ruled = events.filter(outside() & answered.fill_null(False))
        self._ruled, self._entered = _moments(ruled), _moments(entered.select("host", pl.col("start").alias("time")))
        self._keys = {name: anchors[name].cast(pl.String).drop_nulls().unique().sort() for name in ("src_ip", "src_host", "user")}
        self._inner = self._sources(bindings, entered)
        self._keys["src_ip"] = pl.concat([self._keys["src_ip"], self._inner]).unique().sort()
        self._hosts = entered["host"].drop_nulls().unique().sort()

    @staticmethod
    def _sources(bindings: Bindings, entered: pl.DataFrame) -> pl.Series:
        """Return the inner addresses that sessions from outside were given, and those of the hosts they entered."""
        hosts = bindings.hosts.spans().filter(pl.col("host").is_in(entered["host"].drop_nulls().unique().implode()))
        return pl.concat([bindings.leases["address"], hosts["address"]]).unique().sort()

    def acts(self, acts: pl.DataFrame) -> pl.DataFrame:
        """Return those of *acts* that a session from outside can explain, and what may have opened the hosts they entered."""
        told = plain(ev.ensure(acts, *_ACT), *_ACT).with_row_index("zz_at")
        addresses = told["src_ip"].unique().drop_nulls().sort().to_list()
        public = [address for address in addresses if self._enrich.scope(address) is Scope.PUBLIC]
        parts = [
            told.join(self._ids, on=["host", "session"], how="semi").select("zz_at"),
            told.join(self._users, on=["host", "user"], how="semi").select("zz_at"),
            told.filter(pl.col("src_ip").is_in(public)).select("zz_at"),
            told.filter(pl.col("src_ip").is_in(self._inner.implode())).select("zz_at"),
            _soon(told, self._ruled, RULED),
            _soon(told.filter(pl.col("source").is_in(_SENSORS)), self._entered, ALERTED),
            told.filter(pl.col("host").is_in(self._hosts.implode()) & pl.col("command").str.contains(OPENING)).select("zz_at"),
        ]
        return acts[pl.concat(parts)["zz_at"].unique().sort()]

    def failures(self, failures: pl.DataFrame) -> pl.DataFrame:
        """Return those of *failures* that a logon from outside, accepted or stopped, may rest on."""
        if not failures.height:
            return failures
        failures = ev.ensure(failures, "src_ip", "src_host", "user").with_row_index("zz_at")
        parts = []
        for name, values in self._keys.items():
            if len(values):
                parts.append(failures.join(values.cast(failures[name].dtype).to_frame(), on=name, how="semi").select("zz_at"))
        if not parts:
            return failures.clear().drop("zz_at")
        sources = failures.join(pl.concat(parts).unique(), on="zz_at", how="semi").select(pl.col("src_ip").drop_nulls().unique())
        tried = failures.join(sources, on="src_ip", how="semi").unique(["src_ip", "user"], keep="first", maintain_order=True)
        parts.append(tried.filter(pl.int_range(pl.len()).over("src_ip") < NAMES).select("zz_at"))
        keep = pl.concat(parts).unique().sort("zz_at")
        return failures.join(keep, on="zz_at", how="semi", maintain_order="left").drop("zz_at")


def _moments(events: pl.DataFrame) -> pl.DataFrame:
    """Return ``host`` and ``time`` of *events* that have both, by time."""
    return events.select(pl.col("host").cast(pl.String), "time").drop_nulls().unique().sort("time", "host")


def _soon(acts: pl.DataFrame, moments: pl.DataFrame, within: timedelta) -> pl.DataFrame:
    """Return the places of *acts* on the host of one of *moments*, at most *within* after it."""
    if not moments.height or not acts.height:
        return acts.select("zz_at").clear()
    here = acts.select("zz_at", pl.col("host").cast(pl.String), "time").drop_nulls().sort("time")
    marked = moments.with_columns(pl.lit(value=True).alias("soon"))
    near = here.join_asof(marked, on="time", by="host", strategy="backward", tolerance=within, check_sortedness=False)
    return near.filter(pl.col("soon").is_not_null()).select("zz_at")

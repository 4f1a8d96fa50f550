"""The Linux audit system: logins, privilege use, account changes, commands run, connections made, guarded files changed.

A login refused by sshd reads (as raw log; enriched ones append ``UID="root" AUID="unset"``)::

    type=USER_LOGIN msg=audit(1767614400.123:45): pid=4711 uid=0 auid=4294967295 ses=4294967295 msg='op=login
    acct="ann" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 terminal=ssh res=failed'

Records come from ``audit.log`` or ``ausearch`` (:mod:`gatewatch.intake.audit`), from syslog (``audispd: node=gate01 type=…``, ``audit:
type=1112 audit(…)``) or from journald. Messages of user space are one fact each (:mod:`.audit_user`); a system call is one event over
several records (:mod:`.audit_syscall`). ``session`` of a login is ``pid:<pid>``, the process of the connection, as in sshd's own log, and
``linked_session`` the audit session ``ses:<ses>``; what the user does afterwards carries ``ses:<ses>``, through sudo and su.

Every other type of message is ignored by its name; a type that the dictionary lacks is unrecognised; a message whose header is
damaged is rejected.

References: audit-documentation (message and field dictionaries), auditd(8), ausearch(8), OpenSSH ``audit-linux.c``.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind
from gatewatch.sources import audit_syscall, audit_user
from gatewatch.sources.audit_field import header
from gatewatch.sources.audit_syscall import split_point
from gatewatch.sources.audit_type import SYSCALL_FAMILY
from gatewatch.sources.framed_stamp import blank, unsettled
from gatewatch.sources.pattern import Outcome, no_rows

_CARRIED = ("record", "offset", "time", "time_err", "time_basis", "received", "host", "count")
_NEEDED = (*_CARRIED, "message", "fields")
_SEPARATOR = r"^(?:----|time->.*)?$"
_DAEMON_TEXT = (
    r"^(?:Init complete, auditd|The audit daemon is |Audit daemon |Started dispatcher|audispd|No plugins found|queue |plugin |dispatch err"
    r"|audit: (?:backlog limit|rate limit|audit_backlog=|audit_lost=|kauditd )|audit_(?:backlog|lost|printk))"
)

__all__ = ["SOURCE", "AuditdSource", "split_point"]


class AuditdSource:
    """The source of audit messages."""

    name = "auditd"
    title = "Linux audit system"
    programs = ("audit", "audispd", "auditd", "audisp-syslog")
    references = (
        "https://github.com/linux-audit/audit-documentation",
        "https://man7.org/linux/man-pages/man8/auditd.8.html",
    )

    def decode(self, records: pl.DataFrame, wanted: Collection[Kind] | None = None, apart: Collection[Kind] = ()) -> Outcome:  # noqa: ARG002 - few records, all decoded
        """Decode a batch of records; ``Outcome.used`` counts records, of which a system call has several to one event row."""
        table = header(blank(records).select(_NEEDED))
        rejected = table.filter(pl.col("fault").is_not_null())
        sound = table.filter(pl.col("fault").is_null())
        by_user = pl.col("type").is_in(sorted(audit_user.TYPES))
        by_call = pl.col("type").is_in(sorted(SYSCALL_FAMILY))
        user_events, user_ignored = audit_user.decode(sound.filter(by_user))
        call_events, call_ignored, used = audit_syscall.decode(sound.filter(by_call))
        daemon = pl.col("message").str.contains(_DAEMON_TEXT)
        rest = sound.filter(~by_user.fill_null(value=False) & ~by_call.fill_null(value=False)).select(
            *("record", "offset", "message"),
            pl.coalesce(
                "type",
                pl.when(pl.col("message").str.contains(_SEPARATOR)).then(pl.lit("separator")).when(daemon).then(pl.lit("daemon-text")),
            ).alias("why"),
        )
        named = rest.filter(pl.col("why").is_not_null()).select("record", "why")
        counts = pl.concat([user_ignored, call_ignored, named]).group_by("why").len().sort("why")
        events = pl.concat([user_events, call_events], how="diagonal").sort("record")
        unrecognised = rest.filter(pl.col("why").is_null()).select("record", "offset", "message")
        rejects = (
            rejected.select("record", "offset", "message", pl.col("fault").alias("reason")) if rejected.height else no_rows(reason=True)
        )
        if not events.height:
            events = ev.empty(*_CARRIED, "kind", "source", "pattern")
        return Outcome(unsettled(events, records), dict(counts.iter_rows()), unrecognised, rejects, used + user_events.height)


SOURCE = AuditdSource()

"""The sources gatewatch knows, and which of them a record goes to.

A record goes to the source that lists its program (by its last path component), else to the one whose ``claims`` fits the program, else to the
one whose ``claims_message`` fits the text: PAM modules log under any program's name. What none claims is nobody's.

A record of a Windows log goes to the source that lists its channel and event id; where a channel is claimed, other ids of it go to the first that
claims it, which ignores them by their number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Protocol

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources import (
    auditd,
    auth0,
    aws_vpc_flow,
    azure_activity,
    bigip_apm,
    cef,
    checkpoint,
    cisco_asa,
    cisco_ios,
    cloudtrail,
    cron,
    defender_logon,
    dns_query,
    docker_daemon,
    docker_events,
    dropbear,
    duo,
    ecs,
    entra_audit,
    entra_signin,
    fail2ban,
    falco_events,
    filterlog,
    fortigate,
    freeradius,
    gatewatch,
    guacamole,
    ivanti,
    jumpcloud,
    junos,
    keycloak,
    kubernetes_audit,
    kubernetes_kubelet,
    leef,
    login,
    logind,
    m365,
    macos_auth,
    macos_endpoint,
    macos_firewall,
    macos_pf,
    macos_screensharing,
    macos_sshd,
    macos_sudo,
    macos_system,
    meraki,
    netfilter,
    netscaler,
    nps,
    ocsf,
    okta,
    onelogin,
    openvpn,
    openvpn_status,
    pam,
    panos,
    panos_json,
    pingone,
    radius_accounting,
    routeros,
    saas_audit,
    sftp,
    shadow,
    sonicwall,
    sophos,
    sshd,
    strongswan,
    su,
    sudo,
    suricata,
    system,
    teleport,
    tor,
    utmp,
    vnc,
    watchguard,
    windows_account,
    windows_adfs,
    windows_application,
    windows_defender,
    windows_filter,
    windows_firewall,
    windows_gateway,
    windows_kerberos,
    windows_logon,
    windows_mssql,
    windows_nps,
    windows_openssh,
    windows_pfirewall,
    windows_policy,
    windows_powershell,
    windows_process,
    windows_ras,
    windows_rdp,
    windows_share,
    windows_smb,
    windows_sysmon,
    windows_system,
    windows_task,
    windows_winrm,
    windows_wmi,
    xrdp,
    zeek,
)
from gatewatch.sources.pattern import Outcome, PatternSource
from gatewatch.sources.windows import WindowsSource


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
    xrdp.SOURCE,
    vnc.SOURCE,
    guacamole.SOURCE,
    tor.SOURCE,
    sudo.SOURCE,
    su.SOURCE,
    logind.SOURCE,
    shadow.SOURCE,
    cron.SOURCE,
    dns_query.SOURCE,
    fail2ban.SOURCE,
    auditd.SOURCE,
    dropbear.SOURCE,
    utmp.SOURCE,
    system.SOURCE,
    pam.SOURCE,
    panos.SOURCE,
    panos_json.SOURCE,
    strongswan.SOURCE,
    openvpn.SOURCE,
    ivanti.SOURCE,
    netscaler.SOURCE,
    fortigate.SOURCE,
    cisco_asa.SOURCE,
    cisco_ios.SOURCE,
    junos.SOURCE,
    checkpoint.SOURCE,
    sonicwall.SOURCE,
    sophos.SOURCE,
    watchguard.SOURCE,
    meraki.SOURCE,
    routeros.SOURCE,
    bigip_apm.SOURCE,
    login.SOURCE,
    macos_sshd.SOURCE,
    macos_screensharing.SOURCE,
    macos_sudo.SOURCE,
    macos_auth.SOURCE,
    macos_system.SOURCE,
    macos_pf.SOURCE,
    macos_firewall.SOURCE,
    windows_logon.SOURCE,
    windows_kerberos.SOURCE,
    windows_account.SOURCE,
    windows_process.SOURCE,
    windows_share.SOURCE,
    windows_policy.SOURCE,
    windows_filter.SOURCE,
    windows_nps.SOURCE,
    windows_rdp.SOURCE,
    windows_gateway.SOURCE,
    windows_winrm.SOURCE,
    windows_openssh.SOURCE,
    windows_smb.SOURCE,
    windows_task.SOURCE,
    windows_powershell.SOURCE,
    windows_defender.SOURCE,
    windows_firewall.SOURCE,
    windows_system.SOURCE,
    windows_ras.SOURCE,
    windows_sysmon.SOURCE,
    windows_wmi.SOURCE,
    windows_application.SOURCE,
    windows_mssql.SOURCE,
    windows_adfs.SOURCE,
    zeek.SOURCE,
    suricata.SOURCE,
    aws_vpc_flow.SOURCE,
    netfilter.SOURCE,
    filterlog.SOURCE,
    windows_pfirewall.SOURCE,
    gatewatch.SOURCE,
    ocsf.SOURCE,
    cef.SOURCE,
    leef.SOURCE,
    ecs.SOURCE,
    freeradius.SOURCE,
    radius_accounting.SOURCE,
    nps.SOURCE,
    openvpn_status.SOURCE,
    entra_signin.SOURCE,
    entra_audit.SOURCE,
    m365.SOURCE,
    okta.SOURCE,
    duo.SOURCE,
    cloudtrail.SOURCE,
    teleport.SOURCE,
    onelogin.SOURCE,
    jumpcloud.SOURCE,
    keycloak.SOURCE,
    pingone.SOURCE,
    macos_endpoint.SOURCE,
    defender_logon.SOURCE,
    auth0.SOURCE,
    azure_activity.SOURCE,
    saas_audit.SOURCE,
    kubernetes_audit.SOURCE,
    kubernetes_kubelet.SOURCE,
    docker_daemon.SOURCE,
    docker_events.SOURCE,
    falco_events.SOURCE,
)

_CACHED = 1 << 16
WINDOWS: tuple[WindowsSource, ...] = tuple(source for source in SOURCES if isinstance(source, WindowsSource))
_BY_CHANNEL: dict[str, tuple[WindowsSource, ...]] = {
    channel.lower(): tuple(source for source in WINDOWS if channel.lower() in {name.lower() for name in source.channels})
    for source in WINDOWS
    for channel in source.channels
}
_BY_PROGRAM: dict[str, Source] = {program: source for source in reversed(SOURCES) for program in source.programs}
_CLAIMS = tuple((re.compile(source.claims), source) for source in SOURCES if isinstance(source, PatternSource) and source.claims)
_BESIDE: tuple[tuple[str, str, Source], ...] = (
    ("kernel", netfilter.SOURCE.claims_message or "", netfilter.SOURCE),
    ("kernel", r"^(?:\[ *[0-9]+\.[0-9]+\] ?)?audit(?:\([0-9.:]+\))?: (?:type=[0-9]+ )?audit\(", auditd.SOURCE),  # where no audit daemon runs
)
"""Messages that a source claims by their text although another lists the program: (program, regex, source)."""
_BY_MESSAGE = tuple(
    (source.claims_message, source)
    for source in SOURCES
    if isinstance(source, PatternSource | cef.CommonEventSource | kubernetes_audit.AuditSource) and source.claims_message
)


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


@lru_cache(maxsize=1 << 16)
def windows_source(channel: str, event_id: int) -> WindowsSource | None:
    """Return the source of an event of a Windows channel, or None when nobody claims the channel."""
    sources = _BY_CHANNEL.get(channel.lower(), ())
    return next((source for source in sources if event_id in source.ids), sources[0] if sources else None)


class WindowsInterest:
    """Which Windows events can become an event of a *wanted* kind (None: any): a function of channel and event id."""

    def __init__(self, wanted: Collection[Kind] | None) -> None:
        self._wanted = wanted
        self._found: dict[tuple[str, int], tuple[bool, str | None]] = {}

    def __call__(self, channel: str, event_id: int) -> bool:
        """Return whether anybody can make something of such an event."""
        return self._look_up(channel, event_id)[0]

    def hint(self, channel: str, event_id: int) -> str | None:
        """Return the regex that the JSON of such an event must hold to matter; None where all matter."""
        return self._look_up(channel, event_id)[1]

    def data(self, channel: str, event_id: int) -> tuple[str, ...] | None:
        """Return the names of the data of such an event that anything is made of; None where all are asked for."""
        source = windows_source(channel, event_id)
        return None if source is None else source.data(event_id, self._wanted)

    def _look_up(self, channel: str, event_id: int) -> tuple[bool, str | None]:
        found = self._found.get((channel, event_id))
        if found is None:
            source = windows_source(channel, event_id)
            wants = source is not None and source.wants(event_id, self._wanted)
            scanned = self._wanted is not None and Kind.OTHER not in self._wanted
            hint = source.hint(event_id, self._wanted) if source is not None and wants and scanned else None
            found = (wants, hint)
            if len(self._found) < _CACHED:
                self._found[channel, event_id] = found
        return found


def windows_fate(channel: str, event_id: int) -> tuple[str | None, str | None]:
    """Return source and reason of a record nobody was interested in: (None, None) unclaimed, (name, None) used without an event."""
    source = windows_source(channel, event_id)
    return (None, None) if source is None else (source.name, source.fate(event_id))


def _split_windows(records: pl.DataFrame) -> tuple[list[tuple[Source, pl.DataFrame]], pl.DataFrame]:
    pairs = records.select("channel", "event_id").unique()
    places = {source.name: place for place, source in enumerate(SOURCES)}
    found = [windows_source(channel or "", number if number is not None else -1) for channel, number in pairs.iter_rows()]
    pairs = pairs.with_columns(pl.Series("zz_source", [None if source is None else places[source.name] for source in found], dtype=pl.UInt16))
    coded = records.join(pairs, on=["channel", "event_id"], how="left", maintain_order="left", nulls_equal=True)
    parts = {key[0]: part.drop("zz_source") for key, part in coded.partition_by("zz_source", as_dict=True, maintain_order=True).items()}
    unclaimed = parts.pop(None, records.clear())
    return [(SOURCES[key], part) for key, part in sorted(parts.items()) if key is not None], unclaimed


def _by_message(messages: pl.Series, places: Mapping[int, int]) -> pl.Series:
    """Return the place of the first source that claims each of *messages* by its text, null where none does."""
    result = pl.Series("zz_source", [None], dtype=pl.UInt16).new_from_index(0, len(messages))
    left = pl.Series(range(len(messages)), dtype=pl.UInt32)
    for regex, source in _BY_MESSAGE:
        claimed = messages.str.contains(regex).fill_null(value=False)
        if claimed.any():
            result = result.scatter(left.filter(claimed), places[id(source)])
            messages, left = messages.filter(~claimed), left.filter(~claimed)
            if not len(left):
                break
    return result


def split(records: pl.DataFrame) -> tuple[list[tuple[Source, pl.DataFrame]], pl.DataFrame]:
    """Return the batches of *records* by source, in the order of :data:`SOURCES`, and the records that nobody claims.

    Every record is in exactly one of them; within a batch the order is kept.
    """
    if "event_id" in records.columns:
        return _split_windows(records)
    programs = records["program"].unique().to_list()
    places = {id(source): place for place, source in enumerate(SOURCES)}
    known = {program: places[id(source)] for program in programs if program is not None and (source := source_for(program)) is not None}
    beside = [(regex, program, source) for program, regex, source in _BESIDE if program in programs]
    if len(programs) == 1 and known and not beside:
        return [(SOURCES[known[programs[0]]], records)], records.clear()
    place = pl.col("program").replace_strict(known, default=None, return_dtype=pl.UInt16) if known else pl.lit(None, pl.UInt16)
    for regex, program, source in beside:
        claimed = (pl.col("program") == program) & pl.col("message").str.contains(regex)
        place = pl.when(claimed.fill_null(False)).then(pl.lit(places[id(source)], pl.UInt16)).otherwise(place)
    found = records.with_columns(place.alias("zz_source"))["zz_source"]
    if found.has_nulls():
        found = found.scatter(found.is_null().arg_true(), _by_message(records["message"].filter(found.is_null()), places))
    coded = records.with_columns(found)
    places_found = coded["zz_source"].unique().to_list()
    if len(places_found) == 1:
        only = places_found[0]
        return ([], records) if only is None else ([(SOURCES[only], records)], records.clear())
    parts: dict[int | None, pl.DataFrame] = {
        key[0]: part.drop("zz_source") for key, part in coded.partition_by("zz_source", as_dict=True, maintain_order=True).items()
    }
    unclaimed = parts.pop(None, records.clear())
    return [(SOURCES[key], part) for key, part in sorted(parts.items()) if key is not None], unclaimed

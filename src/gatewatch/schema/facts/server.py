"""Facts of services on Linux and macOS hosts: desktops shared over the network, file shares, Tor, what is audited and sent on, scans."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class XrdpSettings(Settings):
    """xrdp and its session manager: ``address``, ``port``, ``security_layer``, ``crypt_level``, ``allowrootlogin``, ``maxloginretry`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class VncSettings(Settings):
    """A VNC server (``scope``: which): ``securitytypes``, ``localhost``, ``passwordfile``; ``product`` among the values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SambaSettings(Settings):
    """The global section of smb.conf, and of each share (``scope``) what it sets; names as smb.conf has them, synonyms made one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NfsExport(Fact):
    """A directory that is exported, to one client specification, with its options."""

    path: str
    client: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenService(Fact):
    """An onion service in a torrc: its folder, its port and where it leads to. ``port`` 0: none is set."""

    folder: str
    port: int
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TorSettings(Settings):
    """A torrc (``scope``: its path): ``socksport``, ``controlport``, ``orport``, ``exitrelay`` …, and how many onion services it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRules(Fact):
    """The rules of auditd: the paths that are watched and for which accesses (``rwxa``)."""

    watches: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings(Settings):
    """Where a Linux host's log goes: ``forward`` (targets, empty: none) as rsyslog, journald's upload or syslog-ng say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingSettings(Settings):
    """What a Mac shares: ``remotelogin``, ``screensharing``, ``remotemanagement``, ``remoteappleevents``, ``smb``; and ARD's preferences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanHost(Fact):
    """A host that a scan looked at from ``zone``: how many ports were asked, and whether the scan came to its end."""

    zone: str
    asked: int
    complete: bool

"""Facts of Windows: its services' settings as they are in force, who may log on, what is audited, and what of it is switched on."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RdpSettings(Settings):
    """Terminal Server: ``fdenytsconnections``, ``userauthentication``, ``securitylayer``, ``portnumber`` …, the policy's value over the local one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WinrmSettings(Settings):
    """The WinRM service and client: ``allowbasic``, ``allowunencryptedtraffic``, ``client.allowbasic``, ``listeners`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmbSettings(Settings):
    """Windows' SMB server and client: ``smb1``, ``requiresecuritysignature``, ``client.allowinsecureguestauth`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogonSettings(Settings):
    """What protects credentials: LSA, NTLM, WDigest, remote tokens, Restricted Admin, smart cards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NpsSettings(Settings):
    """The Network Policy Server's extensions (``authorizationdlls``, ``extensiondlls``) and Entra's: ``require_user_match``. Empty: none is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallerSettings(Settings):
    """What users may install: ``alwaysinstallelevated`` of the machine and of its users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InventorySettings(Settings):
    """How much of a Windows machine's program lists is in the evidence: ``programs`` and ``programs32``, each ``known`` or ``missing``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockoutSettings(Settings):
    """How many wrong passwords lock an account, for how long; in minutes. Of Windows (secedit), of faillock, of fail2ban's sshd jail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLogSettings(Settings):
    """One event log (``scope``: its channel): ``enabled``, ``maxsize`` in KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallProfile(Settings):
    """One profile of Windows' firewall (``scope``: domain, private, public): ``enabled``, ``inbound``, ``localmerge``, ``logblocked``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRights(Fact):
    """The user rights a machine grants: right by its constant's name, and who holds it (SIDs or names). Absent: nobody holds it."""

    rights: tuple[tuple[str, tuple[str, ...]], ...]

    def holders(self, right: str) -> tuple[str, ...]:
        """Return who holds *right*."""
        return next((who for name, who in self.rights if name == right), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPolicy(Fact):
    """What the security log records: by the number of the subcategory's GUID (``9215``: Logon), success and failure."""

    subcategories: tuple[tuple[str, bool, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMembers(Fact):
    """The members of a local group. ``group`` as written; empty ``members``: it has none."""

    group: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature(Fact):
    """An optional feature or role of Windows, by its name in DISM or Server Manager."""

    name: str
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareAccess(Fact):
    """An entry in the access list of a Windows share."""

    share: str
    account: str
    right: str
    allow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPolicy(Fact):
    """A policy of RD Gateway. ``kind``: ``cap`` (who may connect) or ``rap`` (to what); null where the evidence does not say."""

    kind: str
    name: str
    enabled: bool
    groups: tuple[str, ...]
    resources: str = ""  # of a rap: ALL, CG, RG
    ports: tuple[str, ...] = ()
    password: bool | None = None
    smartcard: bool | None = None
    drives_disabled: bool | None = None
    clipboard_disabled: bool | None = None
    idle: int | None = None  # minutes; 0 is never
    session: int | None = None

"""Where Windows keeps its settings: for each one the policy's key, the local one, and the default where neither says a word.

The policy's value counts over the local one. A default is given only where all supported versions share it. Sources: the ADMX templates'
registry names (TerminalServer.admx, WindowsRemoteManagement.admx, …), Microsoft Learn "Win32_TSGeneralSetting", "Network security: LAN Manager
authentication level", "Configure SMB signing", "WDigest".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gatewatch.evidence.windows_registry_text import Table, Value
from gatewatch.schema.facts.base import Setting

_TS_POLICY = "hklm\\software\\policies\\microsoft\\windows nt\\terminal services"
_TS = "hklm\\system\\currentcontrolset\\control\\terminal server"
_TCP = _TS + "\\winstations\\rdp-tcp"
_LSA = "hklm\\system\\currentcontrolset\\control\\lsa"
_SYSTEM = "hklm\\software\\microsoft\\windows\\currentversion\\policies\\system"
_WINRM = "hklm\\software\\policies\\microsoft\\windows\\winrm\\"
_WSMAN = "hklm\\software\\microsoft\\windows\\currentversion\\wsman\\"
_SERVER = "hklm\\system\\currentcontrolset\\services\\lanmanserver\\parameters"
_CLIENT = "hklm\\system\\currentcontrolset\\services\\lanmanworkstation\\parameters"
_INSTALLER = "software\\policies\\microsoft\\windows\\installer"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a setting stands: ``policy`` and ``local`` keys (empty: there is none), and its value where neither is set."""

    name: str
    policy: str = ""
    local: str = ""
    default: str | None = None
    value: str = ""  # the value's name in the policy's key, where it is not the setting's
    local_value: str = ""  # in the local key


RDP = (
    Place("fdenytsconnections", _TS_POLICY, _TS, "1"),
    Place("userauthentication", _TS_POLICY, _TCP),
    Place("securitylayer", _TS_POLICY, _TCP),
    Place("minencryptionlevel", _TS_POLICY, _TCP),
    Place("portnumber", "", _TCP, "3389"),
    Place("fdisablecdm", _TS_POLICY, _TCP, "0"),
    Place("fdisableclip", _TS_POLICY, _TCP, "0"),
    Place("fpromptforpassword", _TS_POLICY, _TCP, "0"),
    Place("maxidletime", _TS_POLICY, _TCP, "0"),
    Place("maxdisconnectiontime", _TS_POLICY, _TCP, "0"),
    Place("shadow", _TS_POLICY, _TCP),
    Place("fallowtogethelp", _TS_POLICY, "hklm\\system\\currentcontrolset\\control\\remote assistance"),
    Place("fallowunsolicited", _TS_POLICY, "", "0"),
)
WINRM = (
    Place("allowbasic", _WINRM + "service", _WSMAN + "service", "0", local_value="auth_basic"),
    Place("allowunencryptedtraffic", _WINRM + "service", _WSMAN + "service", "0", local_value="allow_unencrypted"),
    Place("disablerunas", _WINRM + "service", "", "0"),
    Place("allowautoconfig", _WINRM + "service", "", "0"),
    Place("ipv4filter", _WINRM + "service"),
    Place("ipv6filter", _WINRM + "service"),
    Place("client.allowbasic", _WINRM + "client", _WSMAN + "client", None, "allowbasic", "auth_basic"),
    Place("client.allowunencryptedtraffic", _WINRM + "client", _WSMAN + "client", "0", "allowunencryptedtraffic", "allow_unencrypted"),
    Place("client.allowdigest", _WINRM + "client", _WSMAN + "client", None, "allowdigest", "auth_digest"),
    Place("client.trustedhosts", _WINRM + "client", _WSMAN + "client", "", "trustedhostslist", "trusted_hosts"),
)
SMB = (
    Place("smb1", "", _SERVER),
    Place("requiresecuritysignature", "", _SERVER),
    Place("restrictnullsessaccess", "", _SERVER, "1"),
    Place("autosharewks", "", _SERVER, "1"),
    Place("autoshareserver", "", _SERVER, "1"),
    Place("client.requiresecuritysignature", "", _CLIENT, None, local_value="requiresecuritysignature"),
    Place("client.allowinsecureguestauth", "hklm\\software\\policies\\microsoft\\windows\\lanmanworkstation", _CLIENT, None,
          "allowinsecureguestauth", "allowinsecureguestauth"),
)  # fmt: skip
LOGON = (
    Place("lmcompatibilitylevel", "", _LSA, "3"),
    Place("restrictremotesam", "", _LSA),
    Place("restrictanonymous", "", _LSA, "0"),
    Place("disablerestrictedadmin", "", _LSA, "1"),
    Place("limitblankpassworduse", "", _LSA, "1"),
    Place("localaccounttokenfilterpolicy", "", _SYSTEM, "0"),
    Place("scforceoption", "", _SYSTEM, "0"),
    Place("uselogoncredential", "", "hklm\\system\\currentcontrolset\\control\\securityproviders\\wdigest", "0"),
)
INSTALLER = (
    Place("alwaysinstallelevated", "hklm\\" + _INSTALLER, "", "0"),
    Place("user.alwaysinstallelevated", "hkcu\\" + _INSTALLER, "", "0", "alwaysinstallelevated"),
)
DUO = (
    Place("failopen", "hklm\\software\\policies\\duo security\\duocredprov", "hklm\\software\\duo security\\duocredprov", "1"),
    Place("rdponly", "hklm\\software\\policies\\duo security\\duocredprov", "hklm\\software\\duo security\\duocredprov", "1"),
)


def touched(table: Table, places: Iterable[Place]) -> bool:
    """Return whether the evidence says anything of *places*."""
    return any(key and table.known(key) is None for place in places for key in (place.policy, place.local)) or any(
        table.get(key, place.value or place.name) or table.get(key, place.local_value or place.name)
        for place in places
        for key in (place.policy, place.local)
        if key
    )


def resolve(table: Table, place: Place) -> Setting | None:
    """Return the value in force and why; None where the evidence does not say and Windows has no one default."""
    policy = table.get(place.policy, place.value or place.name) if place.policy else None
    if policy is not None:
        return _setting(place, policy, "policy key" + (" over local key" if place.local else ""), "")
    doubt = table.known(place.policy) if place.policy else None
    said = f"a policy may say otherwise: {doubt}" if doubt else ""
    local = table.get(place.local, place.local_value or place.name) if place.local else None
    if local is not None:
        return _setting(place, local, "local key, as no policy is set" if place.policy and not doubt else "local key", said)
    if place.default is None:
        return None
    if place.local:
        said = said or table.known(place.local) or ""
        if table.known(place.local) and doubt:
            return None
    elif doubt:
        return None
    return Setting(place.name, place.default, "default of Windows, as nothing sets it", None, said)


def _setting(place: Place, value: Value, how: str, doubt: str) -> Setting:
    return Setting(place.name, value.text, how, value.where, value.doubt or doubt)


def settings(table: Table, places: Iterable[Place]) -> tuple[Setting, ...]:
    """Return every setting of *places* the evidence tells."""
    return tuple(made for place in places if (made := resolve(table, place)) is not None)

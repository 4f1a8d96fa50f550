"""Windows' firewall as its registry keys hold it: the profiles and the rules, of group policy and local.

::

    "RemoteDesktop-UserMode-In-TCP"="v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|RA4=10.9.0.0/255.255.255.0|…|"

References: MS-GPFAS 2.2.2 (the grammar), MS-FASP 2.2.37.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gatewatch.evidence.windows_registry_text import Table, Value
from gatewatch.evidence.windows_rule import PROFILES, Profile, WindowsRule, build, profile_names
from gatewatch.evidence.windows_setting import Place, resolve
from gatewatch.schema.facts.base import Fact, Setting, Where
from gatewatch.schema.facts.windows import FirewallProfile

_FIREWALL = "hklm\\system\\currentcontrolset\\services\\sharedaccess\\parameters\\firewallpolicy"
_FIREWALL_POLICY = "hklm\\software\\policies\\microsoft\\windowsfirewall"
_LOCAL_PROFILES = {"domain": "domainprofile", "private": "standardprofile", "public": "publicprofile"}


def firewall(table: Table, host: str, as_of: datetime | None) -> Iterator[Fact]:
    """Yield the profiles and the packet filter that the registry of *host* holds."""
    profiles: list[Profile] = []
    places: list[Where] = []
    for name in PROFILES:
        policy = f"{_FIREWALL_POLICY}\\{name}profile"
        local = f"{_FIREWALL}\\{_LOCAL_PROFILES[name]}"
        found = {
            "enabled": resolve(table, Place("enablefirewall", policy, local)),
            "inbound": resolve(table, Place("defaultinboundaction", policy, local, "1")),
            "localmerge": resolve(table, Place("allowlocalpolicymerge", policy, "", "1")),
            "logblocked": resolve(table, Place("logdroppedpackets", policy + "\\logging", local + "\\logging", "0")),
        }
        values = tuple(
            Setting(key, one.value, one.how, one.where, one.uncertain) for key, one in found.items() if one is not None
        )
        if found["enabled"] is None:
            continue
        places += _places(values)
        yield FirewallProfile(host=host, as_of=as_of, where=_places(values), service="firewall", scope=name, values=values)
        log = _flag(found["logblocked"]) is True
        profiles.append(Profile(name, _flag(found["enabled"]), _flag(found["inbound"]), _flag(found["localmerge"]), log))
    rules = [
        rule
        for key, policy in ((f"{_FIREWALL_POLICY}\\firewallrules", True), (f"{_FIREWALL}\\firewallrules", False))
        for value in table.keys.get(key, {}).values()
        if (rule := parse_rule(value, policy=policy)) is not None
    ]
    known = table.known(f"{_FIREWALL}\\firewallrules")
    if not rules and known:
        return
    doubt = known or table.known(f"{_FIREWALL_POLICY}\\firewallrules")
    yield build(
        host, as_of, rules, profiles, where=tuple(places[:1]),
        incomplete=f"rules may be missing: {doubt}" if doubt else "",
    )  # fmt: skip


def _flag(setting: Setting | None) -> bool | None:
    return None if setting is None or setting.uncertain or setting.value not in {"0", "1"} else setting.value == "1"


def parse_rule(value: Value, *, policy: bool) -> WindowsRule | None:
    """Return an inbound, active rule as the registry words it (``v2.30|Action=Allow|Active=TRUE|Dir=In|…``); None for every other."""
    fields: dict[str, list[str]] = {}
    for part in value.text.split("|"):
        name, mark, text = part.partition("=")
        if mark:
            fields.setdefault(name.lower(), []).append(text)
    one = {name: found[0] for name, found in fields.items()}
    if one.get("dir", "").lower() != "in" or one.get("active", "TRUE").upper() != "TRUE" or "action" not in one:
        return None
    ports = [text for name in ("lport", "lport2_10", "lport2_20", "lport2_24") for text in fields.get(name, ())]
    limits = [f"{name}={one[name][:60]}" for name in ("if", "iftype", "luauth", "rmauth", "ruauth", "security", "security2", "luown") if name in one]
    return WindowsRule(
        name=one.get("name", ""),
        action=one["action"],
        where=value.where,
        profiles=tuple(dict.fromkeys(found for text in fields.get("profile", ["any"]) for found in profile_names(text))),
        protocol=one.get("protocol", ""),
        ports=tuple(ports),
        source_ports=tuple(text for name in ("rport", "rport2_10") for text in fields.get(name, ())),
        remote=tuple(text for name in ("ra4", "ra6", "ra42", "ra62") for text in fields.get(name, ())),
        local=tuple(text for name in ("la4", "la6") for text in fields.get(name, ())),
        program=one.get("app", ""),
        limits=tuple(limits),
        policy=policy,
    )


def _places(values: tuple[Setting, ...]) -> tuple[Where, ...]:
    return tuple(one.where for one in values if one.where is not None)[:1]

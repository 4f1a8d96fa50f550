"""Windows' firewall as PowerShell exports it: rules with their filters, profiles, and which network each interface is on.

::

    [{"DisplayName": "Remote Desktop", "Direction": "Inbound", "Action": "Allow", "Enabled": "True", "Profile": "Domain",
      "Protocol": "TCP", "LocalPort": "3389", "RemoteAddress": ["10.9.0.0/24"], "Program": "Any"}]

Rules alone say no port: the filters are joined to them at collection. References: Get-NetFirewallRule, Get-NetFirewallProfile,
Get-NetConnectionProfile, Get-NetIPAddress (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.address import parse_span, spans
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.powershell import Row, has, rows, truth
from gatewatch.evidence.windows_rule import Profile, WindowsRule, build, made_profile, profile_names
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.schema.facts.windows import FirewallProfile

_CATEGORY = {"0": "public", "1": "private", "2": "domain", "public": "public", "private": "private", "domainauthenticated": "domain"}
_SWITCHES = (
    ("enabled", "enabled", True), ("inbound", "defaultinboundaction", True), ("localmerge", "allowlocalfirewallrules", True),
    ("logblocked", "logblocked", False),
)  # fmt: skip
"""Settings of a profile, their columns, and what Windows does where nobody configured them."""
_INBOUND = {"block": True, "4": True, "allow": False, "2": False}


def _recognise(document: Document) -> int:
    rules = has(document, "displayname", "direction", "action", "enabled")
    profiles = has(document, "name", "defaultinboundaction")
    return SURE if rules or profiles or has(document, "networkcategory") or has(document, "ipaddress", "prefixlength") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    rules: list[WindowsRule] = []
    profiles: list[Profile] = []
    active: list[str] = []
    own: list[tuple[int, int]] = []
    places: list[Where] = []
    seen_rules, lost, as_of = False, "", documents[0].as_of
    for document in documents:
        found = rows(document)
        if not found:
            lost = lost or f"{document.name} could not be read"
            yield Rejected(document, document.fault or "lists nothing")
            continue
        first = found[0][0]
        if "direction" in first:
            seen_rules = True
            places.append(found[0][1])
            if "localport" not in first:
                lost = lost or f"{document.name} does not say the ports of the rules"
            rules += [rule for row, where in found if (rule := _rule(row, where)) is not None]
        elif "defaultinboundaction" in first:
            for row, where in found:
                fact = _profile(row, where, bundle, document)
                if fact is not None:
                    yield fact
                    profiles.append(made_profile(fact))
        elif "networkcategory" in first:
            active += [name for row, _ in found if (name := _CATEGORY.get(row["networkcategory"].lower())) is not None]
            places.append(found[0][1])
        else:
            addresses = [row["ipaddress"] for row, _ in found if _global(row.get("ipaddress", ""))]
            own += [span for row, _ in found if (span := parse_span(f"{row.get('ipaddress', '').partition('%')[0]}/{row.get('prefixlength', '')}"))]
            yield Machine(
                host=bundle.host, as_of=document.as_of, where=(found[0][1],), system=System.WINDOWS, product="Windows", addresses=tuple(addresses)
            )
    if seen_rules:
        yield build(
            bundle.host, as_of, rules, profiles, own=spans(own), active=tuple(dict.fromkeys(active)), incomplete=lost, where=tuple(places[:1])
        )


def _global(text: str) -> bool:
    return bool(text) and "%" not in text and not text.startswith(("127.", "169.254.", "fe80")) and text != "::1"


def _profile(row: Row, where: Where, bundle: Bundle, document: Document) -> FirewallProfile | None:
    name = row.get("name", "").lower()
    if name not in {"domain", "private", "public"}:
        return None
    values = []
    for key, column, default in _SWITCHES:
        text = row.get(column, "").strip().lower()
        flag, how = truth(text), "as Get-NetFirewallProfile says"
        if key == "inbound":
            flag = _INBOUND.get(text)
        if text == "notconfigured" or text == ("0" if key == "inbound" else "2"):
            flag, how = default, "not configured: the default of Windows"
        if flag is not None:
            values.append(Setting(key, "1" if flag else "0", how, where))
    return FirewallProfile(host=bundle.host, as_of=document.as_of, where=(where,), service="firewall", scope=name, values=tuple(values))


def _words(row: Row, name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in row.get(name, "").replace(",", ";").split(";") if word.strip())


def _rule(row: Row, where: Where) -> WindowsRule | None:
    if row.get("direction", "").lower() not in {"inbound", "1", "in"} or truth(row.get("enabled", "")) is not True:
        return None
    narrow = ("interfacealias", "interfacetype", "remoteuser", "localuser", "authentication")
    limits = [f"{name} {row[name]}" for name in narrow if row.get(name, "").lower() not in {"", "any", "notrequired", "0"}]
    ports = _words(row, "localport")
    return WindowsRule(
        name=row.get("displayname", ""),
        action=row.get("action", ""),
        where=where,
        profiles=profile_names(row.get("profile", "any")),
        protocol=row.get("protocol", ""),
        ports=ports,
        source_ports=_words(row, "remoteport"),
        remote=_words(row, "remoteaddress"),
        local=_words(row, "localaddress"),
        program=row.get("program", ""),
        limits=(*limits, *(() if "localport" in row else ("its port is not in the evidence",))),
        policy=row.get("policystoresourcetype", "").lower() not in {"local", "1"},
    )


FORMAT = Format(
    name="windows-firewall",
    title="Windows' firewall: rules, profiles, networks (PowerShell)",
    recognise=_recognise,
    read=_read,
    collect=(
        "Get-NetFirewallRule -PolicyStore ActiveStore | ForEach-Object { $p = $_ | Get-NetFirewallPortFilter; "
        "$a = $_ | Get-NetFirewallAddressFilter; $f = $_ | Get-NetFirewallApplicationFilter; [pscustomobject]@{ DisplayName = $_.DisplayName; "
        'Direction = "$($_.Direction)"; Action = "$($_.Action)"; Enabled = "$($_.Enabled)"; Profile = "$($_.Profile)"; '
        'PolicyStoreSourceType = "$($_.PolicyStoreSourceType)"; Protocol = $p.Protocol; LocalPort = $p.LocalPort; RemotePort = $p.RemotePort; '
        "LocalAddress = $a.LocalAddress; RemoteAddress = $a.RemoteAddress; Program = $f.Program } } | ConvertTo-Json -Depth 3 > rules.json; "
        "Get-NetFirewallProfile -PolicyStore ActiveStore | ConvertTo-Json > profiles.json; "
        "Get-NetConnectionProfile | ConvertTo-Json > networks.json; "
        "Get-NetIPAddress | Select-Object IPAddress,PrefixLength | ConvertTo-Json > addresses.json"
    ),
    references=("Microsoft Learn: Get-NetFirewallRule", "MS-FASP 2.2.37"),
)

"""The doors of Windows: Remote Desktop with its credential provider, and each connection policy of an RD Gateway with its NPS extension.

A password is one factor. Duo's provider adds a device, unless it lets users in while Duo cannot be reached (FailOpen). ``scforceoption`` leaves
only smart cards, which prove possession and, by their PIN, knowledge. Sources: Duo "Authentication for Windows Logon and RDP", Microsoft Learn
"Interactive logon: Require Windows Hello for Business or smart card", "Integrate your existing NPS infrastructure with Microsoft Entra MFA".
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Fact, Facts, Setting, Where
from gatewatch.schema.facts.machine import Software
from gatewatch.schema.facts.windows import GatewayPolicy, LogonSettings, NpsSettings, RdpSettings

_PASSWORD = Factor(FactorKind.KNOWLEDGE, "Windows password")
_DUO = Factor(FactorKind.POSSESSION, "Duo")
_CARD = Factor(FactorKind.POSSESSION, "smart card or Windows Hello", multi=True)
_ENTRA = Factor(FactorKind.POSSESSION, "Entra MFA (NPS extension)")
_AGENTS = ("okta verify", "okta windows credential", "rsa authentication agent", "authlite", "miniorange", "silverfort", "pingid", "userlock",
           "multiotp", "rohos logon", "yubico login")  # fmt: skip
_UNKNOWN = "whether a credential provider asks for a second factor is not in the evidence (HKLM\\SOFTWARE\\Duo Security, installed programs)"


def _place(setting: Setting | None) -> tuple[Where, ...]:
    return (setting.where,) if setting is not None and setting.where is not None else ()


def derive(facts: Facts) -> Iterator[Fact]:
    """Yield an access path for Remote Desktop of every machine, and one for every connection policy of a gateway."""
    for settings in facts.of(RdpSettings):
        yield _rdp(settings, facts)
    for policy in facts.of(GatewayPolicy):
        if policy.kind == "cap":
            yield _gateway(policy, facts)


def _rdp(settings: RdpSettings, facts: Facts) -> AccessPath:
    denied, port = settings.get("fdenytsconnections"), settings.text("portnumber", "3389")
    logon = next((one.get("scforceoption") for one in facts.of(LogonSettings, settings.host)), None)
    fail_open = settings.get("duo.failopen")
    absent = settings.get("duo")
    agent = next((one.name for one in facts.of(Software, settings.host) if one.name.casefold().startswith(_AGENTS)), "")
    doubt = denied.uncertain if denied is not None else ""
    if logon is not None and logon.value == "1":
        ways = [Way((_CARD,), "smart card", _place(logon), logon.uncertain or doubt)]
    elif fail_open is not None:
        ways = [Way((_PASSWORD, _DUO), "password, then Duo", _place(fail_open), doubt)]
        if fail_open.value != "0":
            ways.append(Way((_PASSWORD,), "password, while Duo cannot be reached (FailOpen)", _place(fail_open), fail_open.uncertain or doubt))
    else:
        why = f"what {agent} asks for is not in the evidence" if agent else "" if absent is not None else _UNKNOWN
        ways = [Way((_PASSWORD,), "password", _place(denied), why or doubt)]
    return AccessPath(
        host=settings.host, as_of=settings.as_of, where=_place(denied) or settings.where, service="rdp", product="windows-rdp", name="Remote Desktop",
        ways=tuple(ways), enabled=denied is None or denied.value != "1" or bool(denied.uncertain),
        listeners=(("*", int(port), "tcp"),) if port.isdigit() and len(port) < 6 else (),
    )  # fmt: skip


def _gateway(policy: GatewayPolicy, facts: Facts) -> AccessPath:
    nps = next(iter(facts.of(NpsSettings, policy.host)), None)
    dlls = f"{nps.text('authorizationdlls')};{nps.text('extensiondlls')}".casefold() if nps is not None else ""
    ways: list[Way] = []
    if policy.password is not False:
        if "mfanpsauthzext" in dlls and nps is not None:
            match = nps.get("require_user_match")
            ways.append(Way((_PASSWORD, _ENTRA), "password, then Entra MFA", policy.where))
            if match is None or match.value.casefold() != "true":
                doubt = "" if match is not None else "REQUIRE_USER_MATCH is not in the evidence: who has not registered may be let in"
                ways.append(Way((_PASSWORD,), "password, for who is not registered (REQUIRE_USER_MATCH)", _place(match) or policy.where, doubt))
        else:
            doubt = "" if nps is not None and not dlls.strip(";") else "whether an NPS extension asks for a second factor is not in the evidence"
            if nps is not None and dlls.strip(";"):
                doubt = f"what the NPS extension {dlls.strip(';')} asks for is not in the evidence"
            ways.append(Way((_PASSWORD,), "password", policy.where, doubt))
    if policy.smartcard:
        ways.append(Way((_CARD,), "smart card", policy.where))
    return AccessPath(
        host=policy.host, as_of=policy.as_of, where=policy.where, service="rdgateway", product="rd-gateway", name=f"CAP {policy.name}",
        ways=tuple(ways), users="; ".join(policy.groups), enabled=policy.enabled, listeners=(("*", 443, "tcp"),),
    )  # fmt: skip

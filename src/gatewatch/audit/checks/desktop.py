"""Desktops of Linux hosts and Macs over the network: xrdp, VNC, what a Mac shares."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, nist, stig
from gatewatch.audit.factor import judge_path
from gatewatch.audit.rule import Rule, checks, merged, one_of
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import System
from gatewatch.schema.facts.server import SharingSettings, VncSettings, XrdpSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_XRDP = Need((XrdpSettings,), "cp /etc/xrdp/xrdp.ini /etc/xrdp/sesman.ini EVIDENCE/etc/xrdp/")
_VNC = Need((VncSettings,), "cp -r /etc/tigervnc EVIDENCE/etc/, ~/.vnc/config of each user, and /etc/systemd/system")
_MAC = Need(
    (SharingSettings,),
    "sudo systemsetup -getremotelogin > login.txt; sudo launchctl print-disabled system > disabled.txt; com.apple.RemoteManagement.plist",
    systems=(System.MACOS,),
)
_DOORS = Need((AccessPath,), f"{_XRDP.collect}; {_VNC.collect}", when=lambda path: path.product in {"xrdp", "vnc"})
_MEASURES = (Measure.UNNECESSARY_SERVICE, Measure.HARDENING)
_SHARED = {
    "screensharing": ("Screen Sharing", "vnc"), "remotelogin": ("Remote Login", "ssh"), "remoteappleevents": ("Remote Apple Events", ""),
    "smb": ("File Sharing", "smb"), "remotemanagement": ("Remote Management", "ard"),
}  # fmt: skip
_WEAK = frozenset({"none", "tlsnone", "x509none", "vncauth", "plain"})


def _local(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(VncSettings):
        local = fact.get("localhost")
        good = None if local is None else local.value == "yes"
        said = "VNC takes connections of the host itself only" if good else "VNC takes connections on every address"
        yield by_setting(fact, local, good, said, service="vnc", subject=fact.scope)


def _asked(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(VncSettings):
        types = fact.get("securitytypes")
        names = [name.strip() for name in types.value.split(",")] if types is not None else []
        weak = [name for name in names if name in _WEAK]
        nothing = [name for name in weak if name.endswith("none")]
        said = f"VNC lets in without asking ({nothing[0]})" if nothing else f"VNC takes passwords without TLS ({', '.join(weak)})"
        grave = Severity.CRITICAL if nothing else None
        yield by_setting(
            fact, types, None if types is None else not weak, said if weak else "VNC asks for a password, over TLS", service="vnc",
            subject=fact.scope, severity=grave,
        )  # fmt: skip


def _xrdp_address(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for fact in merged(facts, XrdpSettings):
        address = fact.get("address")
        asset = ground.site.posture.asset(fact.host)
        if asset is not None and "rdp" in asset.services:
            said = "the site declares Remote Desktop for this host"
            yield Verdict(status=Status.NOT_APPLICABLE, host=fact.host, message=said, service="rdp", where=fact.where[:1], as_of=fact.as_of)
            continue
        good = None if address is None else address.value != "*"
        said = "xrdp listens on a chosen address" if good else "xrdp listens on every address, and [assets] services does not declare rdp"
        yield by_setting(fact, address, good, said, service="rdp")


def _paths(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for path in facts.of(AccessPath):
        if path.product in {"xrdp", "vnc"}:
            yield judge_path(path, ground.site.posture)


def _mac(facts: Facts, ground: Ground) -> Iterator[Verdict]:
    for fact in merged(facts, SharingSettings):
        asset = ground.site.posture.asset(fact.host)
        for name, (title, service) in _SHARED.items():
            setting = fact.get(name)
            if setting is None and name in {"remotemanagement", "smb", "remoteappleevents"}:
                said = f"{title}: not in the evidence"
                yield Verdict(status=Status.UNKNOWN, host=fact.host, message=said, service=service, subject=title, where=fact.where[:1])
                continue
            meant = asset is not None and bool(service) and service in asset.services
            good = None if setting is None else setting.value == "off" or meant
            said = f"{title} is {'off' if setting is not None and setting.value == 'off' else 'on'}" + (", as the site declares" if meant else "")
            yield by_setting(fact, setting, good, said, service=service, subject=title)


_ARD = {
    "vnclegacyconnectionsenabled": (
        "0", "VNC viewers may not control the screen", "VNC viewers may control the screen by a password of eight letters",
    ),
    "ard_alllocalusers": ("0", "only chosen users may manage the Mac", "all local users may manage the Mac"),
    "screensharingreqpermenabled": ("1", "viewers ask for permission", "the screen is watched without asking"),
}  # fmt: skip


def _ard(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in merged(facts, SharingSettings):
        off = fact.get("remotemanagement")
        if not any(fact.get(name) for name in _ARD):
            if fact.get("preferences") is not None or (off is not None and off.value == "off"):
                said = "Remote Management has no preferences of this kind"
                yield Verdict(status=Status.NOT_APPLICABLE, host=fact.host, message=said, service="ard", where=fact.where[:1], as_of=fact.as_of)
            else:
                said = "com.apple.RemoteManagement.plist is not in the evidence"
                yield Verdict(status=Status.UNKNOWN, host=fact.host, message=said, service="ard", where=fact.where[:1], as_of=fact.as_of)
            continue
        for name, (wanted, yes, no) in _ARD.items():
            setting = fact.get(name)
            if setting is not None:
                good = setting.value == wanted
                yield by_setting(fact, setting, good, yes if good else no, service="ard", subject=name)


_RULES = (
    Rule(
        id="M1042.4-04c",
        title="xrdp: TLS is required",
        about="security_layer is tls.",
        measures=_MEASURES,
        severity=Severity.HIGH,
        name="security_layer",
        good=one_of("tls"),
        yes="TLS is required",
        no="a client may choose RDP's own security, which does not prove the server",
        text="Set security_layer=tls.",
        snippet="security_layer=tls",
    ),
    Rule(
        id="M1042.4-04d",
        title="xrdp: encryption is high",
        about="crypt_level is high or fips.",
        measures=_MEASURES,
        severity=Severity.MEDIUM,
        name="crypt_level",
        good=one_of("high", "fips"),
        yes="encryption is high",
        no="encryption is weak",
        text="Set crypt_level=high.",
        snippet="crypt_level=high",
    ),
    Rule(
        id="M1042.4-04f",
        title="xrdp: root gets no session",
        about="AllowRootLogin of sesman.ini is false.",
        measures=_MEASURES,
        severity=Severity.HIGH,
        name="allowrootlogin",
        good=one_of("false", "no", "0"),
        yes="root gets no session",
        no="root can log in",
        text="Set AllowRootLogin=false.",
        snippet="AllowRootLogin=false",
    ),
)

CHECKS: tuple[Check, ...] = (
    Check(
        id="M1042.4-04a",
        title="VNC takes connections of the host itself only",
        about="Every VNC server listens on loopback, to be reached by a tunnel of SSH.",
        measures=_MEASURES,
        severity=Severity.HIGH,
        needs=(_VNC,),
        judge=_local,
        remediation=Remediation("Start it with -localhost, and reach it by ssh -L.", "localhost", "Viewers that connect directly lose their way in."),
        mappings=nist("CM-7", "AC-17(2)"),
        services=("vnc",),
    ),
    Check(
        id="M1042.4-04b",
        title="VNC asks for credentials, over TLS",
        about="SecurityTypes has no None, and no VncAuth or Plain without TLS.",
        measures=_MEASURES,
        severity=Severity.HIGH,
        needs=(_VNC,),
        judge=_asked,
        remediation=Remediation("Ask for the account's password over TLS.", "SecurityTypes=X509Plain,TLSPlain"),
        mappings=nist("AC-17(2)", "IA-2"),
        references=("Xvnc(1)",),
        services=("vnc",),
    ),
    *checks(XrdpSettings, _XRDP, "rdp", _RULES, ("CM-7", "AC-17(2)")),
    Check(
        id="M1042.4-04e",
        title="xrdp listens where it is meant to",
        about="xrdp listens on a chosen address, or the site declares rdp for the host.",
        measures=_MEASURES,
        severity=Severity.HIGH,
        needs=(_XRDP,),
        judge=_xrdp_address,
        remediation=Remediation("Bind it to loopback or the management address.", "port=tcp://127.0.0.1:3389"),
        mappings=nist("CM-7", "SC-7"),
        services=("rdp",),
    ),
    Check(
        id="M1032.2-11c",
        title="xrdp and VNC ask for several factors",
        about="Every way into a session of xrdp (through PAM) or VNC proves two kinds of factors.",
        measures=(Measure.AUTH_METHOD, Measure.MFA_TOOL),
        severity=Severity.HIGH,
        needs=(_DOORS,),
        judge=_paths,
        remediation=Remediation("Reach it by an SSH or VPN that asks for several factors; for xrdp put a one-time code into /etc/pam.d/xrdp-sesman."),
        mappings=nist("IA-2(1)", "IA-2(2)"),
        references=("NIST SP 800-63B",),
        services=("rdp", "vnc"),
    ),
    Check(
        id="M1042.2-04",
        title="A Mac shares what it is meant to",
        about="Screen Sharing, Remote Login, Remote Apple Events, File Sharing and Remote Management are off, or the site declares them.",
        measures=(Measure.UNUSED_FEATURE, Measure.NETWORK_SERVICE),
        severity=Severity.HIGH,
        needs=(_MAC,),
        judge=_mac,
        remediation=Remediation(
            "Turn it off, or declare it in [assets.HOST] services (vnc, ssh, smb, ard).", "sudo launchctl disable system/com.apple.screensharing"
        ),
        mappings=(*nist("CM-7", "AC-17"), *stig("macOS 15", "APPL-15-002050 (V-268505)", "APPL-15-002022", "APPL-15-002250", "APPL-15-002001")),
        services=("vnc", "ssh", "smb"),
    ),
    Check(
        id="M1042.2-05",
        title="Remote Management of a Mac is limited",
        about="No VNC viewers, not all local users, and viewers ask for permission.",
        measures=(Measure.UNUSED_FEATURE,),
        severity=Severity.HIGH,
        needs=(_MAC,),
        judge=_ard,
        remediation=Remediation(
            "Limit it with kickstart.",
            "sudo /System/Library/CoreServices/RemoteManagement/ARDAgent.app/Contents/Resources/kickstart "
            "-configure -clientopts -setvnclegacy -vnclegacy no",
        ),
        mappings=nist("CM-7"),
        services=("vnc",),
    ),
)

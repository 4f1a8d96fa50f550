"""File shares of Linux hosts: Samba without guests, old protocols and open interfaces; NFS without everybody."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, nist
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.server import NfsExport, SambaSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_SAMBA = Need((SambaSettings,), "testparm -s > EVIDENCE/commands/testparm.txt")
_NFS = Need((NfsExport,), "cp /etc/exports EVIDENCE/etc/")
_YES = frozenset({"yes", "true", "1"})
_OLD = frozenset({"core", "coreplus", "lanman1", "lanman2", "nt1", "smb2", "smb2_02"})
_SIGNED = frozenset({"mandatory", "required", "force", "forced", "enforced"})
_OPEN = frozenset({"*", "0.0.0.0/0", "::/0", "everyone", "world", "@*"})


def _guest(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(SambaSettings):
        if fact.scope == "global":
            mapped = fact.get("map to guest")
            good = None if mapped is None else mapped.value.casefold() == "never"
            said = "who is not known is refused" if good else "who is not known becomes a guest"
            yield by_setting(fact, mapped, good, said, service="smb", subject="map to guest", severity=None if good else Severity.MEDIUM)
            continue
        guest = fact.get("guest ok")
        if fact.scope in {"printers", "print$"}:
            continue
        good = None if guest is None else guest.value.casefold() not in _YES
        said = f"{fact.scope} asks who comes" if good else f"{fact.scope} is open to guests"
        yield by_setting(fact, guest, good, said, service="smb", subject=fact.scope)


def _global(facts: Facts, name: str) -> Iterator[tuple[SambaSettings, str]]:
    for fact in facts.of(SambaSettings):
        if fact.scope == "global":
            yield fact, fact.text(name)


def _protocol(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact, value in _global(facts, "server min protocol"):
        good = value.casefold() not in _OLD
        said = f"speaks {value} and newer only" if good else f"speaks protocols as old as {value}"
        yield by_setting(fact, fact.get("server min protocol"), good, said, service="smb")


def _signing(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact, value in _global(facts, "server signing"):
        good = value.casefold() in _SIGNED
        said = "signing is required" if good else "signing is not required"
        yield by_setting(fact, fact.get("server signing"), good, said, service="smb")


def _bound(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact, value in _global(facts, "bind interfaces only"):
        bound = value.casefold() in _YES and bool(fact.text("interfaces"))
        allow = fact.text("hosts allow")
        named = bool(allow) and not any(word in {"ALL", "all", "0.0.0.0/0"} for word in allow.replace(",", " ").split())
        deciding = fact.get("hosts allow") if named and not bound else fact.get("bind interfaces only")
        said = "listens on chosen interfaces, or for chosen hosts" if bound or named else "listens on every interface, for every host"
        yield by_setting(fact, deciding, bound or named, said, service="smb")


def _anonymous(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact, value in _global(facts, "restrict anonymous"):
        good = value == "2"
        said = "anonymous users see nothing" if good else "anonymous users may list accounts or shares"
        yield by_setting(fact, fact.get("restrict anonymous"), good, said, service="smb")


def _exports(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for fact in facts.of(NfsExport):
        options = set(fact.options)
        faults = []
        if fact.client.casefold() in _OPEN:
            faults.append(f"exported to everybody{' for writing' if 'rw' in options else ''}")
        if "no_root_squash" in options:
            faults.append("root of the client is root here")
        said = f"{fact.path} to {fact.client}: " + ("; ".join(faults) if faults else "for chosen clients, without root")
        open_write = len(faults) > 1 or ("rw" in options and fact.client.casefold() in _OPEN)
        yield Verdict(
            status=Status.FAIL if faults else Status.PASS, host=fact.host, message=said, service="nfs", subject=f"{fact.path} {fact.client}",
            value=f"{fact.client}({','.join(fact.options)})", resolved="as exported", where=fact.where, as_of=fact.as_of,
            severity=Severity.CRITICAL if open_write else None,
        )  # fmt: skip


def _samba(number: str, title: str, about: str, judge: object, severity: Severity, text: str, snippet: str) -> Check:
    return Check(
        id=f"M1035.6-01{number}", title=title, about=about, measures=(Measure.FILE_SHARE,), severity=severity, needs=(_SAMBA,),
        judge=judge,  # type: ignore[arg-type]
        remediation=Remediation(text, snippet), mappings=nist("AC-3", "CM-7", "SC-8"), references=("smb.conf(5)",), services=("smb",),
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    _samba("a", "Samba: no guests", "map to guest is never, and no share has guest ok.", _guest, Severity.HIGH, "Ask who comes.", "guest ok = no"),
    _samba(
        "b", "Samba: no old protocol", "server min protocol is SMB2_10 or newer.", _protocol, Severity.HIGH, "Refuse SMB 1 and 2.0.",
        "server min protocol = SMB3",
    ),
    _samba(
        "c", "Samba: signing is required", "server signing is mandatory.", _signing, Severity.MEDIUM, "Require signing.", "server signing = mandatory"
    ),
    _samba(
        "d", "Samba: chosen interfaces or hosts", "bind interfaces only with interfaces, or hosts allow.", _bound, Severity.MEDIUM,
        "Name the interfaces.", "interfaces = lo eth1\nbind interfaces only = yes",
    ),
    _samba(
        "e", "Samba: anonymous users see nothing", "restrict anonymous is 2.", _anonymous, Severity.MEDIUM, "Restrict anonymous users.",
        "restrict anonymous = 2",
    ),
    Check(
        id="M1035.6-03",
        title="NFS exports to chosen clients, without their root",
        about="No export names everybody, and none has no_root_squash.",
        measures=(Measure.FILE_SHARE,),
        severity=Severity.HIGH,
        needs=(_NFS,),
        judge=_exports,
        remediation=Remediation("Name the clients, and keep root_squash.", "/srv/data 10.1.0.0/24(rw,sync,root_squash,sec=krb5p)"),
        mappings=nist("CM-7", "AC-3"),
        references=("exports(5)",),
        services=("nfs",),
    ),
)  # fmt: skip

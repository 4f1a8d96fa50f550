"""Doors of Windows: how many factors each way in asks for, and what is not known."""

from __future__ import annotations

from gatewatch.audit.factor import judge_path
from gatewatch.audit.windows_path import derive
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Fact, Facts, Setting
from gatewatch.schema.facts.machine import Software
from gatewatch.schema.facts.windows import GatewayPolicy, LogonSettings, NpsSettings, RdpSettings
from gatewatch.schema.findings import Status
from gatewatch.site.posture import Posture


def settings(kind: type, **values: str) -> Fact:
    made = tuple(Setting(name.replace("__", "."), value, "as written") for name, value in values.items())
    return kind(host="h", service="rdp", values=made)


def verdict(*facts: Fact) -> Status:
    held = Facts()
    held.add(facts)
    [path] = [one for one in derive(held) if isinstance(one, AccessPath)]
    return judge_path(path, Posture()).status


ON = {"fdenytsconnections": "0"}


def test_remote_desktop() -> None:
    assert verdict(settings(RdpSettings, **ON, duo="absent")) is Status.FAIL
    assert verdict(settings(RdpSettings, **ON)) is Status.UNKNOWN
    assert verdict(settings(RdpSettings, **ON, duo__failopen="0")) is Status.PASS
    assert verdict(settings(RdpSettings, **ON, duo__failopen="1")) is Status.FAIL
    assert verdict(settings(RdpSettings, **ON, duo="absent"), settings(LogonSettings, scforceoption="1")) is Status.PASS
    assert verdict(settings(RdpSettings, **ON, duo="absent"), Software(host="h", name="RSA Authentication Agent 7.4")) is Status.UNKNOWN
    assert verdict(settings(RdpSettings, fdenytsconnections="1", duo="absent")) is Status.NOT_APPLICABLE


def cap(*, password: bool | None = True, smartcard: bool | None = False) -> GatewayPolicy:
    return GatewayPolicy(host="h", kind="cap", name="c", enabled=True, groups=("G",), password=password, smartcard=smartcard)


ENTRA = "C:\\Program Files\\Microsoft\\AzureMfa\\Extensions\\MfaNpsAuthzExt.dll"


def test_a_gateway() -> None:
    assert verdict(cap()) is Status.UNKNOWN
    assert verdict(cap(), settings(NpsSettings, authorizationdlls="", extensiondlls="")) is Status.FAIL
    assert verdict(cap(), settings(NpsSettings, authorizationdlls=ENTRA, require_user_match="TRUE")) is Status.PASS
    assert verdict(cap(), settings(NpsSettings, authorizationdlls=ENTRA, require_user_match="FALSE")) is Status.FAIL
    assert verdict(cap(), settings(NpsSettings, authorizationdlls=ENTRA)) is Status.UNKNOWN
    assert verdict(cap(), settings(NpsSettings, authorizationdlls="C:\\other.dll")) is Status.UNKNOWN
    assert verdict(cap(password=False, smartcard=True)) is Status.PASS
    assert verdict(cap(password=None)) is Status.UNKNOWN

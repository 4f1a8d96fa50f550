"""The doors of xrdp and VNC on Linux: what a session asks for, through PAM or by VNC's own password.

Every VNC security type that asks for something asks for one thing one knows. Reference: Xvnc(1) SecurityTypes, xrdp-sesman and PAM.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.pam_way import ways
from gatewatch.audit.rule import merged
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Fact, Facts, Setting, Where
from gatewatch.schema.facts.server import VncSettings, XrdpSettings
from gatewatch.schema.facts.ssh import PamStack

_VNC = Factor(FactorKind.KNOWLEDGE, "VNC password")
_ACCOUNT = Factor(FactorKind.KNOWLEDGE, "password of an account")


def _place(setting: Setting | None) -> tuple[Where, ...]:
    return (setting.where,) if setting is not None and setting.where is not None else ()


def derive(facts: Facts) -> Iterator[Fact]:
    """Yield an access path for every xrdp and every VNC server."""
    for xrdp in merged(facts, XrdpSettings):
        stack = next((one for one in facts.of(PamStack, xrdp.host) if one.service == "xrdp-sesman"), None)
        found = ways(stack) if stack is not None else None
        doubt = "the PAM stack of xrdp-sesman is not in the evidence" if found is None else ""
        port = xrdp.text("port")
        yield AccessPath(
            host=xrdp.host, as_of=xrdp.as_of, where=xrdp.where, service="rdp", product="xrdp", name="xrdp",
            ways=found or (Way((_ACCOUNT,), "password (PAM)", xrdp.where, doubt),),
            listeners=((xrdp.text("address", "*"), int(port), "tcp"),) if port.isdigit() and len(port) < 6 else (),
        )  # fmt: skip
    for vnc in facts.of(VncSettings):
        types = vnc.get("securitytypes")
        names = [name.strip() for name in types.value.split(",") if name.strip()] if types is not None else ["vncauth"]
        made: list[Way] = []
        for name in names:
            factors = () if name == "none" or name.endswith("none") else (_ACCOUNT,) if "plain" in name or "dh" in name else (_VNC,)
            made.append(Way(factors, name if types is not None else "VNC password (default)", _place(types) or vnc.where))
        yield AccessPath(
            host=vnc.host, as_of=vnc.as_of, where=vnc.where, service="vnc", product="vnc", name=f"{vnc.text('product', 'VNC')} {vnc.scope}".strip(),
            ways=tuple(made),
        )  # fmt: skip

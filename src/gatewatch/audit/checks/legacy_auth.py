"""What stands between systems that know only passwords and their users: RADIUS servers, and how they fail."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.audit.check import Check, Ground, Need, Verdict, by_setting, nist
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.identity import RadiusSettings
from gatewatch.schema.findings import Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_DUO = Need((RadiusSettings,), "cp /opt/duoauthproxy/conf/authproxy.cfg EVIDENCE/opt/duoauthproxy/conf/", when=lambda one: one.product == "duo")
_FREE = Need((RadiusSettings,), "cp -r /etc/freeradius EVIDENCE/etc/ (or /etc/raddb)", when=lambda one: one.product == "freeradius")


def _of(facts: Facts, product: str) -> Iterator[RadiusSettings]:
    return (one for one in facts.of(RadiusSettings) if one.product == product)


def _local(client: RadiusSettings) -> bool:
    """Return whether a client is the server's own host."""
    named = [text.partition("/")[0] for name in ("ipaddr", "ipv4addr", "ipv6addr") if (text := client.text(name))]
    return bool(named) and all(text in {"::1", "localhost"} or text.startswith("127.") for text in named)


def _fails_closed(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for door in _of(facts, "duo"):
        mode = door.get("failmode")
        good = mode is not None and mode.value == "secure"
        said = "refuses when the second factor cannot be asked for" if good else "lets a password alone in when the second factor cannot be asked for"
        yield by_setting(door, mode, good, said, service="radius", subject=door.scope)


def _signed(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for client in _of(facts, "freeradius"):
        if _local(client):
            said = "is the host itself: nobody on the way can forge an answer"
            yield Verdict(
                status=Status.NOT_APPLICABLE, host=client.host, subject=client.scope, service="radius", message=said, where=client.where,
                as_of=client.as_of,
            )  # fmt: skip
            continue
        setting = client.get("require_message_authenticator")
        if setting is None:
            said = "does not say whether Message-Authenticator is required; what is meant without depends on the version (no, or auto)"
            yield Verdict(
                status=Status.UNKNOWN, host=client.host, subject=client.scope, service="radius", message=said, where=client.where, as_of=client.as_of
            )
            continue
        good = True if setting.value in {"yes", "true", "1", "on"} else None if setting.value == "auto" else False
        said = (
            "requires Message-Authenticator" if good
            else "takes packets without Message-Authenticator: an answer can be forged" if good is False
            else "requires Message-Authenticator once the client sent one: the first packet can be forged"
        )  # fmt: skip
        yield by_setting(client, setting, good, said, service="radius", subject=client.scope)


def _secrets(facts: Facts, _ground: Ground) -> Iterator[Verdict]:
    for client in _of(facts, "freeradius"):
        setting = client.get("secret")
        good = setting is not None and setting.value == "own"
        if setting is not None and setting.value == "hidden":
            said = "has a secret that was masked when it was collected: compare it with the one the server ships with"
            yield by_setting(client, setting, None, said, service="radius", subject=client.scope)
        elif not good and setting is not None and _local(client):
            yield by_setting(
                client, setting, True, "has the secret the server ships with, for this host itself", service="radius", subject=client.scope
            )
        else:
            said = "has a secret of its own" if good else "has a secret everybody knows"
            yield by_setting(client, setting, good, said, service="radius", subject=client.scope)


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1032.3-01a", title="RADIUS: Duo's proxy refuses when it cannot ask for the second factor",
        about="failmode is secure for every server; without a word it is safe, which lets the password alone in.",
        measures=(Measure.LEGACY_AUTH, Measure.MFA_TOOL), severity=Severity.HIGH, needs=(_DUO,), judge=_fails_closed,
        remediation=Remediation(
            "Set failmode=secure.", "[radius_server_auto]\nfailmode=secure",
            "Nobody logs in while Duo cannot be reached: keep an account for emergencies."
        ),
        mappings=nist("IA-2(1)", "SC-24"), references=("Duo Authentication Proxy reference",), services=("vpn",),
    ),
    Check(
        id="M1032.3-01b", title="RADIUS: packets are signed",
        about="Every client of FreeRADIUS has require_message_authenticator = yes (CVE-2024-3596).",
        measures=(Measure.LEGACY_AUTH, Measure.HARDENING), severity=Severity.HIGH, needs=(_FREE,), judge=_signed,
        remediation=Remediation(
            "Require it of every client.", "require_message_authenticator = yes", "Gateways that do not send it are locked out: update them first."
        ),
        mappings=nist("SC-8(1)", "IA-2(8)"), references=("FreeRADIUS: clients.conf", "CVE-2024-3596"), services=("vpn",),
    ),
    Check(
        id="M1032.3-01c", title="RADIUS: no secret everybody knows",
        about="No client but the host itself has the secret the server ships with.",
        measures=(Measure.LEGACY_AUTH,), severity=Severity.HIGH, needs=(_FREE,), judge=_secrets,
        remediation=Remediation("Give each client a long secret of its own.", "", "Change it on the gateway in the same hour."),
        mappings=nist("IA-5", "IA-5(5)"), references=("FreeRADIUS: clients.conf",), services=("vpn",),
    ),
)  # fmt: skip

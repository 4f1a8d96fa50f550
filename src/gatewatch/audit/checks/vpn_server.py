"""VPN servers on hosts: what OpenVPN and strongSwan ask of the tunnel, and the plug-ins OpenVPN loads."""

from __future__ import annotations

from gatewatch.audit.check import Check, nist, stig
from gatewatch.audit.gateway import Demand, among, judge_settings, lacking, need_settings
from gatewatch.schema.findings import Remediation
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure

_OPENVPN, _STRONGSWAN = ("openvpn",), ("strongswan",)


def _aead(text: str) -> bool:
    return all(word.upper().endswith(("-GCM", "-POLY1305")) for word in text.split(":")) and bool(text)


def _own_management(text: str) -> bool:
    return text == "off" or text.startswith("local")


CHECKS: tuple[Check, ...] = (
    Check(
        id="M1035.2-03",
        title="OpenVPN: the tunnel is sound, certificates are checked, and nobody shares one",
        about="TLS 1.2 or later, a key on the control channel, AEAD ciphers, remote-cert-tls client, crl-verify, no duplicate-cn, own management.",
        measures=(Measure.REMOTE_ACCESS, Measure.HARDENING),
        severity=Severity.HIGH,
        needs=need_settings("openvpn"),
        judge=judge_settings((
            Demand(_OPENVPN, "tls-version-min", among("1.2", "1.2 or-highest", "1.3", "1.3 or-highest"), "TLS 1.2 or later only", "TLS before 1.2"),
            Demand(_OPENVPN, "control-channel", lacking("none"), "the control channel has its own key", "anybody may talk to the control channel"),
            Demand(_OPENVPN, "data-ciphers", _aead, "only ciphers that authenticate", "ciphers that do not authenticate are offered"),
            Demand(_OPENVPN, "remote-cert-tls", among("client"), "certificates must be those of clients", "a server's certificate lets in as well"),
            Demand(_OPENVPN, "crl-verify", lacking("none"), "revoked certificates are refused", "revoked certificates are not refused"),
            Demand(_OPENVPN, "duplicate-cn", among("off"), "a certificate is used once at a time", "many may share one certificate"),
            Demand(_OPENVPN, "management", _own_management, "the management interface is the host's own", "the management interface can be reached"),
        )),
        remediation=Remediation(
            "Set what is missing.",
            "tls-version-min 1.2\ntls-crypt ta.key\nremote-cert-tls client\ncrl-verify crl.pem\ndata-ciphers AES-256-GCM:CHACHA20-POLY1305",
            "A new tls-crypt key or an expired revocation list keeps every client out until it is in place on both sides.",
        ),
        mappings=(*nist("AC-17(2)", "SC-8", "IA-5(2)"), *stig("VPN SRG", "SRG-NET-000062-VPN-000200 (V-207190)")),
        references=("openvpn(8)",),
        services=("vpn",),
    ),
    Check(
        id="M1035.2-04",
        title="strongSwan: IKEv2 only, no aggressive mode, no shared key for remote users, sound proposals",
        about="version = 2, aggressive off, no round by shared key, no weak proposal, revocation strict.",
        measures=(Measure.REMOTE_ACCESS, Measure.HARDENING),
        severity=Severity.HIGH,
        needs=need_settings("strongswan"),
        judge=judge_settings((
            Demand(_STRONGSWAN, "version", among("2"), "IKEv2 only", "IKEv1 is spoken"),
            Demand(_STRONGSWAN, "aggressive", among("no"), "no aggressive mode", "aggressive mode gives away a hash of the key"),
            Demand(_STRONGSWAN, "psk", among("no"), "no shared key", "remote users share a key"),
            Demand(_STRONGSWAN, "proposals", among("strong"), "no weak proposal", "weak proposals are accepted"),
            Demand(_STRONGSWAN, "revocation", among("strict"), "a certificate must be known not to be revoked", "revocation is not enforced"),
        )),
        remediation=Remediation("Set them in the connection.", "version = 2\nproposals = aes256gcm16-prfsha384-ecp384"),
        mappings=(*nist("AC-17(2)", "SC-8", "IA-5(2)"), *stig("VPN SRG", "SRG-NET-000317-VPN-001090", "SRG-NET-000525-VPN-002330")),
        references=("swanctl.conf(5)",),
        services=("vpn",),
    ),
    Check(
        id="M1042.5-02",
        title="OpenVPN: only known plug-ins, and scripts without passwords in their environment",
        about="Plug-ins come from the system's library folders, and script-security is at most 2.",
        measures=(Measure.PLUGIN,),
        severity=Severity.MEDIUM,
        needs=need_settings("openvpn"),
        judge=judge_settings((
            Demand(_OPENVPN, "odd-plugins", among("none"), "plug-ins come from the system's folders", "a plug-in comes from an unusual folder"),
            Demand(_OPENVPN, "script-security", among("0", "1", "2"), "scripts get no passwords", "scripts get passwords in their environment"),
        )),
        remediation=Remediation("Install plug-ins from packages, and set script-security 2.", "script-security 2"),
        mappings=nist("CM-7", "SI-7"),
        references=("openvpn(8)",),
        services=("vpn",),
    ),
)  # fmt: skip

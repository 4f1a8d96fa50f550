"""OpenVPN: the configuration of a server, with how it lets users in and what it asks of the tunnel.

::

    port 1194
    verify-client-cert require
    plugin /usr/lib/openvpn/openvpn-plugin-auth-pam.so openvpn
    tls-crypt ta.key

A ``config FILE`` line takes the file in at its place. Reference: openvpn(8).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome
from gatewatch.evidence.gateway_setting import SettingTable
from gatewatch.schema.facts.access import Factor, FactorKind
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.gateway import GatewaySettings, VpnGroup
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.facts.openvpn import LoginStep, OpenVpnDoor

_OWN = frozenset(
    {"server", "server-bridge", "tls-server", "tls-client", "client", "dev", "proto", "ca", "cert", "push", "topology", "ifconfig", "remote", "mode",
     "tls-auth", "tls-crypt", "tls-crypt-v2", "persist-tun", "persist-key", "verify-client-cert", "duplicate-cn", "client-to-client"}
)  # fmt: skip
_DEPTH = 8
Line = tuple[list[str], Where]


def _recognise(document: Document) -> int:
    words = {line.split()[0] for line in document.head.splitlines() if line.strip() and not line.lstrip().startswith(("#", ";"))}
    signs = len(words & _OWN)
    if document.at("openvpn/*.conf", "openvpn/server/*.conf", "openvpn/client/*.conf", "*.ovpn"):
        return SURE if signs >= 2 else 0
    return LIKELY if signs >= 5 and document.at("*.conf", "*.txt") and words & {"server", "tls-server", "tls-client", "client"} else 0


def _lines(document: Document, bundle: Bundle, missing: list[str], depth: int = 0) -> Iterator[Line]:
    inside = ""
    for number, text in enumerate(document.lines, 1):
        line = text.strip()
        if inside:
            inside = "" if line == f"</{inside}>" else inside
            continue
        if line.startswith("<") and line.endswith(">") and not line.startswith("</"):
            inside = line[1:-1]
            yield [inside, "[inline]"], Where(document.name, number, f"<{inside}>")
            continue
        if not line or line.startswith(("#", ";")):
            continue
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            words = line.split()
        if not words:
            continue
        words[0] = words[0].removeprefix("--")
        if words[0] == "config" and len(words) > 1:
            other = bundle.get(words[1]) if words[1].startswith("/") else bundle.get(f"{document.path.rpartition('/')[0]}/{words[1]}")
            if other is not None and depth < _DEPTH:
                yield from _lines(other, bundle, missing, depth + 1)
            else:
                missing.append(words[1])
        else:
            yield words, document.where(number)
    if inside:
        missing.append(f"the end of <{inside}>")


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        missing: list[str] = []
        lines = list(_lines(document, bundle, missing))
        names = {words[0] for words, _ in lines}
        if names & {"client", "tls-client"} or not names & {"server", "server-bridge", "tls-server", "mode", "secret", "ifconfig"}:
            yield Ignored(document, "configures a client" if names & {"client", "tls-client"} else "configures no server")
            continue
        gap = f"{missing[0]} is not in the evidence" if missing else ""
        yield from _facts(document, bundle, lines, gap)


def _facts(document: Document, bundle: Bundle, lines: list[Line], gap: str) -> Iterator[Outcome]:
    last = {words[0]: (words, where) for words, where in lines}
    name = f"openvpn {document.stem}"
    place = (lines[0][1],)

    def word(key: str, default: str = "") -> str:
        found = last.get(key)
        return found[0][1] if found is not None and len(found[0]) > 1 else default

    asked = word("verify-client-cert", "none" if "client-cert-not-required" in last else "require")
    deciding = [last[key][1] for key in ("verify-client-cert", "client-cert-not-required", "auth-user-pass-optional", "secret") if key in last]
    port = word("port", word("lport", "1194"))
    protocol = "tcp" if word("proto", "udp").startswith("tcp") else "udp"
    number = int(port[:6]) if port.isdigit() else 1194
    address = word("local", "*")
    yield OpenVpnDoor(
        host=bundle.host, as_of=document.as_of, where=(*deciding, *place), name=name, steps=tuple(_steps(lines)), shared_key="secret" in last,
        certificate={"require": "required", "optional": "optional"}.get(asked, "none"), login_optional="auth-user-pass-optional" in last,
        listener=(address, number, protocol), uncertain=gap,
    )  # fmt: skip
    yield Listener(
        host=bundle.host, as_of=document.as_of, where=place, address=address, port=number, protocol=protocol, service="vpn", process="openvpn"
    )
    yield GatewaySettings(
        host=bundle.host, as_of=document.as_of, where=place, service="vpn", product="openvpn", scope=document.stem,
        values=tuple(_settings(lines, last, gap).settings),
    )  # fmt: skip
    among = last.get("client-to-client")
    own = last.get("client-config-dir")
    exclusive = last.get("ccd-exclusive")
    limit = "single addresses (client-config-dir, ccd-exclusive)" if own is not None and exclusive is not None and among is None else ""
    doubt = "" if limit or among is not None else "what the host's packet filter lets the pool reach is not said here"
    chosen = among or exclusive or own
    yield VpnGroup(
        host=bundle.host, as_of=document.as_of, where=(chosen[1],) if chosen is not None else place, product="openvpn", name=name, limit=limit,
        uncertain=gap or doubt,
    )  # fmt: skip


def _steps(lines: list[Line]) -> Iterator[LoginStep]:
    for words, where in lines:
        if words[0] == "plugin" and len(words) > 1:
            file = words[1].rpartition("/")[2].lower()
            if "auth-pam" in file:
                service = (words[2].split() or ["openvpn"])[0] if len(words) > 2 else "openvpn"  # "service prompt answer ..." may be one word
                yield LoginStep(f"PAM {service}", where, pam=service)
            elif "otp" in file or "totp" in file:
                yield LoginStep(f"one-time code ({file})", where, Factor(FactorKind.POSSESSION, file))
            elif "duo" in file:
                yield LoginStep(f"Duo ({file})", where, Factor(FactorKind.POSSESSION, "duo"))
            elif "ldap" in file:
                yield LoginStep(f"LDAP ({file})", where, Factor(FactorKind.DELEGATED, file, "ldap", prompts=True))
            elif "radius" in file:
                yield LoginStep(f"RADIUS ({file})", where, Factor(FactorKind.DELEGATED, file, "radius", prompts=True))
            elif "down-root" not in file:
                yield LoginStep(f"plug-in {file}", where, Factor(FactorKind.DELEGATED, file, file))
        elif words[0] == "auth-user-pass-verify" and len(words) > 1:
            file = words[1].rpartition("/")[2]
            yield LoginStep(f"script {file}", where, Factor(FactorKind.DELEGATED, file, file, prompts=True))
        elif words[0] == "management-client-auth":
            yield LoginStep("the management client", where, Factor(FactorKind.DELEGATED, "management-client-auth", "management"))


_PLUGIN_FOLDERS = ("/usr/lib", "/usr/local/lib", "/opt", "/lib", "/usr/share/openvpn/plugin/", "openvpn-plugin-")


def _settings(lines: list[Line], last: dict[str, tuple[list[str], Where]], gap: str) -> SettingTable:
    table = SettingTable("OpenVPN 2.4 to 2.6", gap)

    def take(name: str, default: str) -> None:
        found = last.get(name)
        text = (" ".join(found[0][1:]) or "on") if found is not None else None
        table.either(name, text, found[1] if found is not None else None, default)

    for name, default in (
        ("tls-version-min", "1.0" if "tls-version-min" in last else "1.2"), ("data-ciphers", "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305"),
        ("remote-cert-tls", "none"), ("crl-verify", "none"), ("duplicate-cn", "off"), ("script-security", "1"), ("client-to-client", "off"),
    ):  # fmt: skip
        take(name, default)
    if "tls-version-min" not in last:
        table.settings = [one for one in table.settings if one.name != "tls-version-min"]
        table.default("tls-version-min", "1.0", "the default is 1.0 before OpenVPN 2.6 and 1.2 from then on")
    if "ncp-ciphers" in last and "data-ciphers" not in last:
        table.settings = [one for one in table.settings if one.name != "data-ciphers"]
        table.written("data-ciphers", last["ncp-ciphers"][0][-1], last["ncp-ciphers"][1], "ncp-ciphers, its older name")
    cipher = last["cipher"][0][-1] if "cipher" in last and len(last["cipher"][0]) > 1 else ""
    if cipher and not {"ncp-ciphers", "data-ciphers"} & set(last) and not cipher.upper().endswith(("GCM", "POLY1305")):
        usual = next(one.value for one in table.settings if one.name == "data-ciphers")
        table.settings = [one for one in table.settings if one.name != "data-ciphers"]
        alone = "ncp-disable" in last
        how = "cipher, as nothing is negotiated (ncp-disable)" if alone else "the default, and cipher"
        doubt = "" if alone else "OpenVPN before 2.6 also speaks what cipher names; later ones do not"
        table.written("data-ciphers", cipher if alone else f"{usual}:{cipher}", last["cipher"][1], how, doubt)
    key = next((name for name in ("tls-crypt-v2", "tls-crypt", "tls-auth") if name in last), None)
    table.either("control-channel", key, last[key][1] if key else None, "none")
    found = last.get("management")
    if found is None:
        table.default("management", "off")
    else:
        words = found[0]
        address = words[1] if len(words) > 1 else ""
        near = address.startswith(("127.", "/")) or address in {"::1", "localhost", "tunnel"} or "unix" in words
        guarded = len(words) > 3 and words[3] != "unix"
        table.written("management", ("local" if near else "remote") + (" with a password" if guarded else ""), found[1], f"listens on {address}")
    plugins = [(words[1], where) for words, where in lines if words[0] == "plugin" and len(words) > 1]
    odd = [one for one in plugins if not one[0].startswith(_PLUGIN_FOLDERS)]
    worst = odd or plugins
    table.either("plugins", ", ".join(one[0] for one in worst) or None, worst[0][1] if worst else None, "none")
    table.either("odd-plugins", ", ".join(one[0] for one in odd) or None, odd[0][1] if odd else None, "none")
    return table


FORMAT = Format(
    name="openvpn",
    title="OpenVPN server configuration",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/openvpn/*.conf EVIDENCE/etc/openvpn/, cp /etc/openvpn/server/*.conf EVIDENCE/etc/openvpn/server/, and /etc/pam.d",
    references=("openvpn(8)",),
)

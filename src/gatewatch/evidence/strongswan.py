"""strongSwan: swanctl.conf with its nested sections, and the older ipsec.conf: connections for remote users and what each round asks for.

::

    connections {
      rw {
        version = 2
        remote { auth = pubkey }
        remote-2 { auth = eap-radius }
        children { net { local_ts = 10.2.0.0/24 } }
      }
    }

A connection to a peer with an address of its own is a tunnel between sites, not a door for users. References: swanctl.conf(5), ipsec.conf(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.gateway_setting import SettingTable
from gatewatch.schema.facts.access import AccessPath, Factor, FactorKind, Way
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.gateway import GatewaySettings, VpnGroup
from gatewatch.schema.facts.machine import Listener

_DAEMON = ("etc/strongswan.conf", "strongswan.d/charon/eap-radius.conf", "strongswan.d/*.conf")
_TOKEN = re.compile(r"[{}]|[^{}\s=#][^{}=#]{0,300}|=[^{}#]{0,2000}|#.*")
_DEPTH = 32
_WEAK = ("des", "3des", "md5", "modp768", "modp1024", "modp1536", "null", "sha1-", "-sha-")


@dataclass(slots=True)
class Section:
    """A section: its values with their lines, and the sections in it."""

    name: str
    line: int
    values: dict[str, tuple[str, int]] = field(default_factory=dict)
    inner: list[Section] = field(default_factory=list)
    also: list[str] = field(default_factory=list)  # sections of ipsec.conf whose values hold here too, unless set here

    def get(self, name: str, default: str = "") -> str:
        """Return a value."""
        found = self.values.get(name)
        return found[0] if found else default

    def find(self, name: str) -> list[Section]:
        """Return the sections called *name*."""
        return [one for one in self.inner if one.name == name]


@dataclass(slots=True)
class Connection:
    """A connection for remote users, whichever dialect it was written in. Rounds: (what is asked for, line)."""

    name: str
    line: int
    rounds: list[tuple[str, int]]
    settings: dict[str, tuple[str, int]] = field(default_factory=dict)
    local: str = ""  # networks behind us that it opens
    local_line: int = 0


def _recognise(document: Document) -> int:
    if document.at("swanctl/swanctl.conf", "swanctl/conf.d/*.conf", "etc/ipsec.conf", "ipsec.d/*.conf", *_DAEMON):
        return SURE
    head = document.head
    if re.search(r"^connections\s*\{", head, re.MULTILINE):
        return LIKELY + 10
    return LIKELY if re.search(r"^conn \S", head, re.MULTILINE) and ("keyexchange" in head or "rightauth" in head or "authby" in head) else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    servers = _servers(bundle)
    for document in documents:
        if document.at(*_DAEMON):
            if not _asked(document):
                yield Ignored(document, "names no RADIUS server that eap-radius asks")
            continue
        old = bool(re.search(r"^conn \S", document.text[:200_000], re.MULTILINE)) or document.at("etc/ipsec.conf")
        found, fault, missing = _old(document) if old else _new(document)
        if fault:
            yield Rejected(document, fault)
            continue
        if not found:
            yield Ignored(document, "has no connection for remote users")
            continue
        gap = next((f"{name} is not in the evidence" for name in missing if not bundle.glob(name)), "")
        for connection in found:
            yield from _facts(document, bundle, connection, gap, servers)


def _asked(document: Document) -> list[str]:
    """Return the RADIUS servers that ``strongswan.conf`` or a file of ``strongswan.d`` has the plug-in eap-radius ask."""
    top, _ = parse_sections(document)
    made: list[str] = []
    groups = [top]
    for depth in range(6):
        for group in groups:
            if group.name == "eap-radius":
                made += [group.values[name][0] for name in ("server", "address") if name in group.values]
                made += [one.get("address") for servers in group.find("servers") for one in servers.inner if one.get("address")]
        groups = [one for group in groups for one in group.inner] if depth < 5 else []
    return list(dict.fromkeys(made))


def _servers(bundle: Bundle) -> list[str]:
    files = [one for pattern in _DAEMON for one in bundle.glob(pattern)]
    return list(dict.fromkeys(server for one in files for server in _asked(one)))


def parse_sections(document: Document) -> tuple[Section, str]:
    """Return the nested sections of a file, and what is wrong with it."""
    top = Section("", 0)
    stack = [top]
    for number, line in enumerate(document.lines, 1):
        key = ""
        for token in _TOKEN.findall(line):
            word = token.strip()
            if word.startswith("#") or not word:
                continue
            if word == "{":
                if len(stack) > _DEPTH:
                    return top, f"sections nest deeper than {_DEPTH} (line {number})"
                made = Section(key, number)
                stack[-1].inner.append(made)
                stack.append(made)
                key = ""
            elif word == "}":
                if len(stack) == 1:
                    return top, f"closes a section that is not open (line {number})"
                stack.pop()
            elif word.startswith("="):
                stack[-1].values[key] = (word[1:].strip().strip('"'), number)
                key = ""
            else:
                key = word
    return top, f"ends within section {stack[-1].name}" if len(stack) > 1 else ""


def _new(document: Document) -> tuple[list[Connection], str, list[str]]:
    top, fault = parse_sections(document)
    missing = [line.split(None, 1)[1].strip() for line in document.lines if line.strip().startswith("include ") and len(line.split()) > 1]
    made = []
    for group in top.find("connections"):
        for one in group.inner:
            peers = one.get("remote_addrs", "%any")
            if not any(word.strip() in {"%any", "%any4", "%any6", "0.0.0.0/0", "::/0"} for word in peers.split(",")):
                continue
            rounds = sorted(
                (part for part in one.inner if part.name == "remote" or part.name.startswith("remote")),
                key=lambda part: (int(part.get("round", "0")[:4]) if part.get("round", "0").isdigit() else 0, part.line),
            )
            listed = [(part.get("auth", "pubkey"), part.values.get("auth", ("", part.line))[1]) for part in rounds] or [("pubkey", one.line)]
            connection = Connection(one.name, one.line, listed, dict(one.values))
            connection.settings.setdefault("version", ("0", one.line))
            for part in rounds:
                for key in ("revocation", "ca_id", "cacerts"):
                    if key in part.values:
                        connection.settings[key] = part.values[key]
            for child in (child for children in one.find("children") for child in children.inner):
                connection.local, connection.local_line = child.values.get("local_ts", ("dynamic", child.line))
                if "esp_proposals" in child.values:
                    connection.settings["esp_proposals"] = child.values["esp_proposals"]
            made.append(connection)
    return made, fault, missing


def _old(document: Document) -> tuple[list[Connection], str, list[str]]:
    sections: dict[str, Section] = {}
    current: Section | None = None
    missing: list[str] = []
    for number, text in enumerate(document.lines, 1):
        line = text.partition("#")[0].rstrip()
        words = line.split()
        if not words:
            continue
        if line[0] not in " \t":
            current = None
            if words[0] == "conn" and len(words) > 1:
                current = sections.setdefault(words[1], Section(words[1], number))
            elif words[0] == "include" and len(words) > 1:
                missing.append(words[1])
        elif current is not None and "=" in line:
            name, _, value = line.strip().partition("=")
            if name.strip() == "also":
                current.also.append(value.strip().strip('"'))
            else:
                current.values[name.strip()] = (value.strip().strip('"'), number)
    made = []
    for name, section in sections.items():
        if name == "%default":
            continue
        merged = dict(sections["%default"].values) if "%default" in sections else {}
        for layer in reversed(_layers(section, sections)):
            merged.update(layer.values)
        right = merged.get("right", ("%any", section.line))[0]
        if not right.startswith(("%any", "0.")) or merged.get("auto", ("ignore", 0))[0] == "ignore":
            continue
        first = merged.get("rightauth") or merged.get("authby") or ("pubkey", section.line)
        rounds = [first, *([merged["rightauth2"]] if "rightauth2" in merged else [])]
        if "rightauth" not in merged and first[0].startswith("xauth"):  # authby=xauthpsk, xauthrsasig; rightauth=xauth alone is a password (hybrid)
            rounds = [("psk" if "psk" in first[0] else "pubkey", first[1]), ("xauth", first[1])]
        version = {"ikev2": "2", "ikev1": "1"}.get(merged.get("keyexchange", ("ike", 0))[0], "0")
        connection = Connection(name, section.line, rounds)
        connection.settings["version"] = (version, merged.get("keyexchange", ("", section.line))[1])
        for old, new in (("aggressive", "aggressive"), ("ike", "proposals"), ("esp", "esp_proposals")):
            if old in merged:
                connection.settings[new] = merged[old]
        connection.local, connection.local_line = merged.get("leftsubnet", ("dynamic", section.line))
        made.append(connection)
    return made, "", missing


def _layers(section: Section, sections: dict[str, Section]) -> list[Section]:
    """Return a section of ipsec.conf and those it names with ``also``, nearest first."""
    found = [section]
    for one in found:
        found += [sections[name] for name in one.also if name in sections and sections[name] not in found][: 16 - len(found)]
    return found


def factor(auth: str) -> tuple[Factor | None, str]:
    """Return what one round proves, and why that is not sure.

    >>> factor("eap-mschapv2")[0].kind.value, factor("pubkey-rsa-2048")[0].kind.value, factor("eap-radius")[0].provider
    ('knowledge', 'device', 'eap-radius')
    """
    kind = auth.lower()
    if kind.startswith(("pubkey", "rsa", "ecdsa", "ed25519", "ed448")) or kind in {"eap-tls", "rsasig", "ecdsasig", "ike:pubkey"}:
        return Factor(FactorKind.DEVICE, auth), ""
    if kind in {"psk", "secret"}:
        return Factor(FactorKind.KNOWLEDGE, "shared key"), ""
    if kind in {"eap-radius", "xauth-radius", "xauth-eap"}:
        return Factor(FactorKind.DELEGATED, auth, "eap-radius"), ""
    if kind in {"eap-aka", "eap-sim", "eap-aka-3gpp2", "eap-sim-file", "eap-sim-pcsc"}:
        return Factor(FactorKind.POSSESSION, auth), ""
    if kind.startswith(("eap-mschapv2", "eap-md5", "eap-gtc", "xauth")):
        return Factor(FactorKind.KNOWLEDGE, auth), ""
    if kind in {"any", "never"}:
        return None, "" if kind == "never" else "auth=any"
    return Factor(FactorKind.DELEGATED, auth, auth), "" if kind.startswith("eap") else f"{auth!r} is not a method we know"


def _facts(document: Document, bundle: Bundle, connection: Connection, gap: str, servers: list[str]) -> Iterator[Outcome]:
    place = (document.where(connection.line),)
    factors, doubts = [], [gap] if gap else []
    for auth, _ in connection.rounds:
        found, doubt = factor(auth)
        doubts += [doubt] if doubt else []
        factors += [found] if found is not None else []
    label = ", then ".join(auth for auth, _ in connection.rounds)
    places = tuple(document.where(line) for _, line in connection.rounds)
    asked = servers if any(one.provider == "eap-radius" for one in factors) else []  # each of them may be the one that answers
    ways = tuple(
        Way(tuple(replace(one, provider=server) if one.provider == "eap-radius" else one for one in factors),
            f"{label} at {server}" if asked else label, places, "; ".join(doubts))
        for server in asked or ["eap-radius"]
    )  # fmt: skip
    yield AccessPath(
        host=bundle.host, as_of=document.as_of, where=place, service="vpn", product="strongswan", name=connection.name, ways=ways,
        listeners=(("*", 500, "udp"), ("*", 4500, "udp")),
    )  # fmt: skip
    yield Listener(host=bundle.host, as_of=document.as_of, where=place, address="*", port=500, protocol="udp", service="vpn", process="charon")
    table = SettingTable("strongSwan", gap)

    def take(name: str, default: str) -> None:
        found = connection.settings.get(name)
        where: Where | None = document.where(found[1]) if found is not None else None
        table.either(name, found[0] if found is not None else None, where, default)

    for name, default in (("version", "0"), ("aggressive", "no"), ("revocation", "relaxed")):
        take(name, default)
    offered = [connection.settings[name] for name in ("proposals", "esp_proposals") if name in connection.settings]
    weak = [one for one in offered if any(word in f"{one[0].lower()}-" for word in _WEAK)]
    if weak:
        table.written("proposals", "weak", document.where(weak[0][1]), f"offers {weak[0][0]}")
    elif offered:
        table.written("proposals", "strong", document.where(offered[0][1]), "none of them is weak")
    else:
        table.default("proposals", "strong")
    key = next((one for one in connection.rounds if factor(one[0])[0] == Factor(FactorKind.KNOWLEDGE, "shared key")), None)
    table.written("psk", "yes" if key else "no", document.where(key[1] if key else connection.rounds[0][1]), "rounds of the remote side")
    yield GatewaySettings(
        host=bundle.host, as_of=document.as_of, where=place, service="vpn", product="strongswan", scope=connection.name, values=tuple(table.settings)
    )
    wide = any(word.strip() in {"0.0.0.0/0", "::/0"} for word in connection.local.split(","))
    doubt = gap or ("everything goes through the tunnel; what the host's packet filter lets it reach is not said here" if wide else "")
    yield VpnGroup(
        host=bundle.host, as_of=document.as_of, where=(document.where(connection.local_line or connection.line),), product="strongswan",
        name=connection.name, limit="" if wide else f"selectors {connection.local}", uncertain=doubt,
    )  # fmt: skip


FORMAT = Format(
    name="strongswan",
    title="strongSwan swanctl.conf and ipsec.conf",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/swanctl EVIDENCE/etc/ (without private/ and secrets), cp /etc/ipsec.conf EVIDENCE/etc/",
    references=("swanctl.conf(5)", "ipsec.conf(5)"),
)

"""Cisco ASA and FTD: ``show running-config``, with its doors (tunnel groups and administration), filters, settings and logging.

::

    ASA Version 9.16(4)
    hostname edge
    aaa-server RAD protocol radius
    tunnel-group STAFF type remote-access
    tunnel-group STAFF general-attributes
     authentication-server-group RAD LOCAL
    tunnel-group STAFF webvpn-attributes
     authentication aaa certificate
    : end

References: Cisco ASA Series Command Reference; Cisco document 222315 (threat detection for remote access).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatewatch.evidence import asa_access
from gatewatch.evidence.address import spans
from gatewatch.evidence.asa_filter import packet_filter, ports
from gatewatch.evidence.asa_tree import Config, Objects, objects, parse
from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Outcome, Rejected
from gatewatch.evidence.gateway_setting import SettingTable, sockets, version_doubt
from gatewatch.schema.facts.access import Account
from gatewatch.schema.facts.gateway import GatewaySettings, Management
from gatewatch.schema.facts.machine import LogTarget, Machine, System

_VERSION = re.compile(r"^:? ?(ASA|NGFW|PIX) Version (\S{1,30})", re.MULTILINE)
_VPN_IDS = frozenset({"113004", "113005", "113015", "722051", "746012", "716001", "716002", "722022", "722023"})
_LEVELS = ("emergencies", "alerts", "critical", "errors", "warnings", "notifications", "informational", "debugging")


def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, to compare it by.

    >>> release("9.16(4)67")
    (9, 16, 4, 67)
    """
    return tuple(int(number[:6]) for number in re.findall(r"\d{1,6}", version[:40]))


def _recognise(document: Document) -> int:
    if _VERSION.search(document.head):
        return SURE
    text = "\n" + document.text[:200_000]
    signs = sum(sign in text for sign in ("\ntunnel-group ", "\naccess-group ", "\n nameif ", "\ngroup-policy ", "\naaa-server "))
    return LIKELY if signs >= 2 else 0


def _read(documents: list[Document], _bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        config = parse(document)
        if not config.commands:
            yield Rejected(document, "holds no command")
            continue
        yield from _facts(config)


def _facts(config: Config) -> Iterator[Outcome]:
    document = config.document
    found = _VERSION.search(document.head)
    product = "ftd" if found and found.group(1) == "NGFW" else "asa"
    version = found.group(2) if found else ""
    named = config.last("hostname")
    host = named.words[1].casefold() if named is not None and len(named.words) > 1 else document.stem.casefold()
    gap = "" if config.ended else "the configuration does not end with ': end'; it may be cut off"
    known = objects(config)
    place = (document.where(config.commands[0].number),)
    faces = ports(config)
    yield Machine(
        host=host, as_of=document.as_of, where=place, system=System.NETWORK, product=f"Cisco {product.upper()}", version=version, complete=not gap,
        addresses=_addresses(config),
    )  # fmt: skip
    planes = list(_management(config, known, host, product))
    yield from planes
    outside = [one for one in faces.values() if one.external and one.where is not None]
    for one in outside:
        if not any(plane.interface == one.name for plane in planes) and one.where is not None:
            yield Management(
                host=host, as_of=document.as_of, where=(one.where,), product=product, interface=one.name, protocol="", port=0, external=True,
                uncertain=gap,
            )  # fmt: skip
    yield packet_filter(config, known, host, product, planes, gap)
    doubt = gap or version_doubt("ASA" if product == "asa" else "FTD", version, ("9.",) if product == "asa" else ("6.", "7."))
    yield _settings(config, host, product, version, doubt)
    for path in asa_access.doors(config, host, product, planes, gap):
        yield path
        yield from sockets(path)
    yield from asa_access.groups(config, host, product, gap)
    yield from _accounts(config, host)
    yield from _logging(config, host)


def _addresses(config: Config) -> tuple[str, ...]:
    lines = [line for one in config.all("interface") if (line := one.find("ip", "address")) is not None]
    return tuple(line.words[2] for line in lines if len(line.words) > 2 and line.words[2][:1].isdigit())


_PLANES = {"ssh": 22, "telnet": 23, "http": 443}


def _management(config: Config, known: Objects, host: str, product: str) -> Iterator[Management]:
    faces = ports(config)
    server = config.last("http", "server", "enable")
    web_port = int(server.words[3][:6]) if server is not None and len(server.words) > 3 and server.words[3].isdigit() else 443
    sources: dict[tuple[str, str], list[tuple[tuple[int, int], ...] | None]] = {}
    lines: dict[tuple[str, str], list[int]] = {}
    for one in config.commands:
        words = one.words
        if words[0] not in _PLANES or len(words) < 3 or words[-1] not in faces or (words[0] == "http" and server is None):
            continue
        found, used = known.address(words[1:-1])
        if used != len(words) - 2:
            continue
        sources.setdefault((words[0], words[-1]), []).append(found)
        lines.setdefault((words[0], words[-1]), []).append(one.number)
    for (plane, face), listed in sources.items():
        sure = [one for one in listed if one is not None]
        yield Management(
            host=host, as_of=config.document.as_of, where=tuple(config.document.where(number) for number in lines[plane, face]), product=product,
            interface=face, protocol="https" if plane == "http" else plane, port=web_port if plane == "http" else _PLANES[plane],
            sources=spans([span for one in sure for span in one]), external=faces[face].external,
            text=", ".join(" ".join(config.document.lines[number - 1].split()[1:-1]) for number in lines[plane, face])[:200],
            uncertain="" if len(sure) == len(listed) else "an address that cannot be told",
        )  # fmt: skip


def _settings(config: Config, host: str, product: str, version: str, doubt: str) -> GatewaySettings:
    table = SettingTable(f"{product.upper()} {version}", doubt, "")
    tls = config.last("ssl", "server-version")
    if tls is not None and len(tls.words) > 2:
        table.written("tls-min", tls.words[2], config.where(tls))
    else:
        newer = release(version) >= ((9, 12) if product == "asa" else (6, 4))
        table.default("tls-min", "tlsv1", "which TLS is the least by default differs between releases from 9.12 on" if newer else "")
    web = [(line, block) for block in config.all("webvpn") for line in block.below if line.starts("enable")]
    if web:
        table.written("webvpn", ", ".join(line.words[-1] for line, _ in web), config.where(web[0][0]))
    else:
        table.default("webvpn", "off")
    door = asa_access.remote_access(config)
    table.either("remote-access", "on" if door else None, config.where(door) if door else None, "off")
    for service in ("remote-access-authentication", "remote-access-client-initiations", "invalid-vpn-access"):
        line = config.last("threat-detection", "service", service)
        table.either(service, "on" if line else None, config.where(line) if line else None, "off")
    for name in ("telnet", "http"):
        lines = [one for one in config.all(name) if (name == "telnet" and one.words[-1] in ports(config)) or one.starts("http", "server", "enable")]
        table.either(name, "on" if lines else None, config.where(lines[0]) if lines else None, "off")
    tries = config.last("aaa", "local", "authentication", "attempts", "max-fail")
    table.either("max-fail", tries.words[5] if tries and len(tries.words) > 5 else None, config.where(tries) if tries else None, "unlimited")
    least = config.last("password-policy", "minimum-length")
    table.either("password-length", least.words[2] if least and len(least.words) > 2 else None, config.where(least) if least else None, "3")
    silenced = [one for one in config.all("no", "logging", "message") if one.words[-1] in _VPN_IDS]
    table.either(
        "silenced", ", ".join(one.words[-1] for one in silenced) or None, config.where(silenced[0]) if silenced else None, "none"
    )
    asa_access.policy_settings(config, table, clientless=product == "asa" and release(version) < (9, 17))  # removed in 9.17; FTD never had it
    return GatewaySettings(
        host=host, as_of=config.document.as_of, where=(config.document.where(config.commands[0].number),), service="vpn", product=product,
        version=version, values=tuple(table.settings),
    )  # fmt: skip


def _accounts(config: Config, host: str) -> Iterator[Account]:
    remote = {
        one.words[1] for one in config.all("username") if len(one.words) > 2 and one.words[2] == "attributes"
        and one.find("service-type", "remote-access") is not None
    }  # fmt: skip
    for one in config.all("username"):
        words = one.words
        if len(words) > 3 and words[2] in {"password", "nopassword"}:
            level = words[words.index("privilege") + 1] if "privilege" in words[:-1] else "2"
            yield Account(
                host=host, as_of=config.document.as_of, where=(config.where(one),), name=words[1].casefold(), service="vpn", enabled=True,
                admin=level == "15" and words[1] not in remote,
            )  # fmt: skip


def _logging(config: Config, host: str) -> Iterator[LogTarget]:
    if config.last("logging", "enable") is None:
        return
    trap = config.last("logging", "trap")
    level = trap.words[2] if trap is not None and len(trap.words) > 2 else ""
    number = _LEVELS.index(level) if level in _LEVELS else int(level) if level.isdigit() and len(level) == 1 else -1
    for one in config.all("logging", "host"):
        if len(one.words) > 3 and number >= 0:
            yield LogTarget(
                host=host, as_of=config.document.as_of, where=(config.where(one),), service="vpn", target=one.words[3], remote=True,
                encrypted="secure" in one.words, kinds=("auth", "session", "deny", "config") if number >= 6 else ("deny",) if number >= 4 else (),
            )  # fmt: skip


FORMAT = Format(
    name="asa",
    title="Cisco ASA and FTD running configuration",
    recognise=_recognise,
    read=_read,
    collect="terminal pager 0; show running-config all (as text, one file for each device)",
    references=("Cisco ASA Series Command Reference", "Cisco document 222315"),
)

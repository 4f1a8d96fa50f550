"""The site file of a world: ``gatewatch.toml`` as an administrator would write it, who knows their network and nothing of what is planted."""

from __future__ import annotations

from ipaddress import IPv4Network, collapse_addresses

from gatewatch.lab.estate import Estate
from gatewatch.lab.evidence.gateway import DIRECTORY, DIRECTORY_SERVER, FACTOR, FACTOR_SERVER
from gatewatch.lab.evidence.linux import BACKUP, MANAGEMENT
from gatewatch.lab.evidence.windows import USERS
from gatewatch.lab.moment import calendar
from gatewatch.lab.organisation import Host, Organisation
from gatewatch.lab.safeguard import Plan

_ZONED = frozenset({"linux", "windows", "mac", "docker", "kube"})
_INNER = {
    "server": ("ssh", "applications"), "database": ("ssh", "applications"), "terminal": ("rdp", "terminals"), "file": ("smb", "files"),
    "winserver": ("rdp", "administration"), "controller": ("rdp", "administration"),
}  # fmt: skip
_MEANT = {"linux": ("ssh",), "windows": ("rdp",), "mac": ("ssh", "vnc"), "docker": (), "kube": ("kube_api",)}
_FLOWS = (
    ("dmz", "applications", 22), ("backup", "applications", 22), ("management", "applications", 22), ("remote", "terminals", 3389),
    ("desks", "terminals", 3389), ("remote", "files", 445), ("desks", "files", 445), ("management", "administration", 3389),
)  # fmt: skip


def _list(items: list[str]) -> str:
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


def describe(organisation: Organisation, estate: Estate, plan: Plan) -> str:
    """Return the text of the file: the network as it is meant to be, as far as its administrators came with putting it in order."""
    leasing = [gateway for gateway in estate.gateways.values() if gateway.host.name != "ns01"]
    pools = [gateway.cidr for gateway in leasing]
    pools_v6 = [gateway.cidr_v6 for gateway in leasing if gateway.dual and gateway.leases_v6]
    public = [organisation.public.cidr, *([organisation.public_v6.cidr] if organisation.public_v6 else [])]
    lines = [
        "# The site as its network team describes it.", "[site]", f'name = "{organisation.name}"', f'zone = "{organisation.zone}"',
        f"year = {calendar(0).year}", "",
        "[network]", f"internal = {_list(public)}", f"vpn_pools = {_list([*pools, *pools_v6])}", 'clusters = ["10.96.0.0/12"]', "",
    ]  # fmt: skip
    for host in organisation.hosts:
        name = f'"{host.name}"' if "." in host.name else host.name
        addresses = [address for address in (host.inner, host.inner_v6, host.outer, host.outer_v6) if address]
        lines += [f"[hosts.{name}]", f"addresses = {_list(addresses)}"]
        if host.name == "mac01":
            lines.append('aliases = ["localhost"]  # the unified log names no host')
        lines.append("")
    lines += ["[[sources]]", 'host = "pa01"  # its rows bear no zone', 'zone = "UTC"', ""]
    for office in organisation.offices:
        ranges = [*office.uplinks, *([office.block_v6.cidr] if office.block_v6 else [])]
        lines += [f"[places.{office.name}]", f"cidrs = {_list(ranges)}", f'country = "{office.country}"', ""]
    holidays = sorted({f"{calendar(day):%m-%d}" for office in organisation.offices for day in office.holidays})
    countries = sorted({office.country for office in organisation.offices})
    lines += ["[tunables]", 'BusinessHours = "Mon-Fri 07:00-19:00"', f"Holidays = {_list(holidays)}", f"GeoIPWhitelist = {_list(countries)}", ""]
    until = calendar(organisation.days + 200)
    for office in organisation.offices:
        lines += [
            "[[known]]",
            f'name = "{office.name}"',
            f'places = ["{office.name}"]',
            'why = "uplink of an office"',
            'owner = "network team"',
            f"until = {until}",
            "",
        ]
    first, last = organisation.tester_days
    line, block = organisation.lines.get(organisation.monitor), organisation.runner.block_v6
    monitor = [organisation.monitor, *([line.v6(0, "") + "/128"] if line is not None else [])]
    runner = [organisation.runner.blocks[0].cidr, *([block.cidr] if block is not None else [])]
    lines += [
        "[[known]]", 'name = "monitoring"', f"cidrs = {_list(monitor)}", 'users = ["svc-scan"]', 'services = ["ssh"]',
        'why = "checks that ssh answers"',
        'owner = "operations"', f"until = {until}", "", "[[known]]", 'name = "pipeline"', f"cidrs = {_list(runner)}",
        'users = ["svc-deploy", "svc-backup"]', 'why = "runners and hosted backup"', 'owner = "operations"', f"until = {until}", "", "[[known]]",
        'name = "penetration test"', f'cidrs = ["{organisation.tester}"]', 'why = "ordered test, see the contract"', 'owner = "security"',
        f"since = {calendar(first)}", f"until = {calendar(last)}", "",
    ]  # fmt: skip
    return "\n".join([*lines, *_posture(organisation, pools, plan)])


def _posture(organisation: Organisation, pools: list[str], plan: Plan) -> list[str]:
    """Return zones, assets, flows and providers. Hosts nobody has segmented yet stand in the zone ``flat``, for which no flow is declared."""
    ordered: dict[str, list[Host]] = {"dmz": [], "applications": [], "terminals": [], "files": [], "administration": [], "flat": []}
    for host in organisation.hosts:
        if "jump" in host.roles:
            ordered["dmz"].append(host)
        elif host.kind in _ZONED:
            place = next(((service, zone) for role, (service, zone) in _INNER.items() if role in host.roles), None)
            kept = place is not None and not plan.missing("segmentation", host.name, place[0])
            ordered[place[1] if place is not None and kept else "flat"].append(host)
    lines = ["[zones.internet]", 'kind = "internet"', 'interfaces = ["outside", "wan1", "untrust"]', ""]
    for name, ranges in (("remote", pools), ("desks", list(USERS)), ("management", [MANAGEMENT]), ("backup", [f"{BACKUP}/32"])):
        kind = {"remote": "vpn", "desks": "user", "management": "management", "backup": "server"}[name]
        lines += [f"[zones.{name}]", f'kind = "{kind}"', f"cidrs = {_list(ranges)}", ""]
    for name, hosts in ordered.items():
        if hosts:
            ranges = [str(one) for one in collapse_addresses([IPv4Network(host.inner) for host in hosts])]
            lines += [f"[zones.{name}]", f'kind = "{"dmz" if name == "dmz" else "server"}"', f"cidrs = {_list(ranges)}", ""]
    for name, hosts in ordered.items():
        for host in hosts:
            title = f'"{host.name}"' if "." in host.name else host.name
            lines += [f"[assets.{title}]", f'zone = "{name}"']
            if name == "dmz":
                lines += ['roles = ["bastion"]', 'allow = ["tcp/22"]']
            lines += [f"services = {_list(list(_MEANT.get(host.kind, ())))}", ""]
    for source, target, port in _FLOWS:
        if ordered[target] and (source not in ordered or ordered[source]):
            lines += ["[[flows]]", f'from = "{source}"', f'to = "{target}"', f'ports = ["tcp/{port}"]']
            lines += ['why = "daily work"', 'owner = "network team"']
            lines += [f"until = {calendar(organisation.days + 4000)}", ""]
    lines += [
        "[audit]", f'management = ["{MANAGEMENT}"]', f"concentrators = {_list(list(organisation.gateways))}", "",
        "[[mfa_providers]]", f'name = "{FACTOR}"', "mfa = true", 'why = "every login is prompted"', f'servers = ["{FACTOR_SERVER}"]', "",
        "[[mfa_providers]]", f'name = "{DIRECTORY}"', "mfa = false", 'why = "asks for a password"', f'servers = ["{DIRECTORY_SERVER}"]', "",
    ]  # fmt: skip
    return lines

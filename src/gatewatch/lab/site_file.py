"""The site file of a world: ``gatewatch.toml`` as an administrator would write it, who knows their network and nothing of what is planted."""

from __future__ import annotations

from gatewatch.lab.estate import Estate
from gatewatch.lab.moment import calendar
from gatewatch.lab.organisation import Organisation


def _list(items: list[str]) -> str:
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


def describe(organisation: Organisation, estate: Estate) -> str:
    """Return the text of the file."""
    pools = [gateway.cidr for gateway in estate.gateways.values() if gateway.host.name != "ns01"]
    lines = [
        "# The site as its network team describes it.", "[site]", f'name = "{organisation.name}"', f'zone = "{organisation.zone}"',
        f"year = {calendar(0).year}", "",
        "[network]", f'internal = ["{organisation.public.cidr}"]', f"vpn_pools = {_list(pools)}", 'clusters = ["10.96.0.0/12"]', "",
    ]  # fmt: skip
    for host in organisation.hosts:
        name = f'"{host.name}"' if "." in host.name else host.name
        addresses = [address for address in (host.inner, host.outer) if address]
        lines += [f"[hosts.{name}]", f"addresses = {_list(addresses)}"]
        if host.kind == "mac":
            lines.append('aliases = ["localhost"]  # the unified log names no host')
        lines.append("")
    lines += ["[[sources]]", 'host = "pa01"  # its rows bear no zone', 'zone = "UTC"', ""]
    for office in organisation.offices:
        lines += [f"[places.{office.name}]", f"cidrs = {_list(list(office.uplinks))}", f'country = "{office.country}"', ""]
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
    lines += [
        "[[known]]", 'name = "monitoring"', f'cidrs = ["{organisation.monitor}"]', 'users = ["svc-scan"]', 'services = ["ssh"]',
        'why = "checks that ssh answers"',
        'owner = "operations"', f"until = {until}", "", "[[known]]", 'name = "pipeline"', f'cidrs = ["{organisation.runner.cidr}"]',
        'users = ["svc-deploy", "svc-backup"]', 'why = "runners and hosted backup"', 'owner = "operations"', f"until = {until}", "", "[[known]]",
        'name = "penetration test"', f'cidrs = ["{organisation.tester}"]', 'why = "ordered test, see the contract"', 'owner = "security"',
        f"since = {calendar(first)}", f"until = {calendar(last)}", "",
    ]  # fmt: skip
    return "\n".join(lines)

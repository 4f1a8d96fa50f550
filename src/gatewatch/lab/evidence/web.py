"""The way out: the web proxy and the resolver, with or without what stands against Tor and remote-access tools.

Formats: squid.conf (squid-cache.org), unbound.conf(5), a response policy zone, rsyslog.conf(5).
"""

from __future__ import annotations

from gatewatch.lab.organisation import Host, Organisation
from gatewatch.lab.safeguard import Plan

_TOR = (".onion", ".onion.to", ".onion.ws", ".onion.ly", ".onion.pet", ".tor2web.org", ".torproject.org")
_TOOLS = (
    *(".anydesk.com", ".teamviewer.com", ".screenconnect.com", ".splashtop.com", ".rustdesk.com", ".atera.com", ".ngrok.io", ".ngrok-free.app"),
    *(".trycloudflare.com", ".dwservice.net"),
)
_RSYSLOG = '*.* action(type="omfwd" target="10.10.254.40" port="6514" protocol="tcp" StreamDriver="gtls" StreamDriverMode="1")\n'


def proxy(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the exports of the web proxy."""
    strict = not plan.missing("web-proxy", host.name, "")
    denied = ['acl tor dstdomain "/etc/squid/tor.txt"', 'acl tools dstdomain "/etc/squid/tools.txt"', "http_access deny tor"]
    denied.append("http_access deny tools")
    lines = ["http_port 3128", "acl inner src 10.0.0.0/8", "acl SSL_ports port 443", *(denied if strict else [])]
    lines += ["http_access deny CONNECT !SSL_ports", "http_access allow inner", "http_access deny all", "access_log syslog:local5.info squid", ""]
    made = {"etc/squid/squid.conf": "\n".join(lines), "etc/rsyslog.conf": _RSYSLOG}
    if strict:
        made |= {"etc/squid/tor.txt": "\n".join([*_TOR, ""]), "etc/squid/tools.txt": "\n".join([*_TOOLS, ""])}
    return made


def resolver(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the exports of the resolver."""
    strict = not plan.missing("dns-filter", host.name, "")
    lines = ["server:", "    interface: 0.0.0.0", "    access-control: 10.0.0.0/8 allow"]
    made = {"etc/rsyslog.conf": _RSYSLOG, "etc/resolv.conf": "nameserver 127.0.0.1\n"}
    if strict:
        lines += ['    module-config: "respip validator iterator"', '    local-zone: "use-application-dns.net." always_nxdomain']
        lines += ["rpz:", "    name: rpz.corp.example", "    zonefile: /etc/unbound/rpz.zone", "    rpz-log: yes"]
        blocked = [name.strip(".") for name in (*_TOR[1:], *_TOOLS)]
        zone = ["$TTL 300", "@ IN SOA localhost. root.localhost. ( 1 3600 600 86400 300 )", "  IN NS localhost."]
        made["etc/unbound/rpz.zone"] = "\n".join([*zone, *(line for name in blocked for line in (f"*.{name} CNAME .", f"{name} CNAME .")), ""])
    else:
        lines.append('    local-zone: "onion." transparent')
    return made | {"etc/unbound/unbound.conf": "\n".join([*lines, ""])}

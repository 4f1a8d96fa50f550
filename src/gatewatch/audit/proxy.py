"""Proxies asked: whether some client can get to a place through the rules of a proxy.

The first rule whose terms all hold decides; after the last, the opposite of the last; without any rule nobody gets anywhere. Which client asks
is free: a place can be reached when some choice of the lists that speak of clients lets it. A list that cannot be decided (a file that is not
in the evidence, a pattern too rich, an external helper) makes the answer ``may``.
Source: Squid, "SquidFaq/SquidAcl"; http_access.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product

from gatewatch.audit.reach.span import holds, of_address
from gatewatch.schema.facts.web import ProxyAcl, ProxyPolicy, ProxyRule

CLIENT = frozenset({
    "src", "srcdomain", "srcdom_regex", "src_as", "proxy_auth", "proxy_auth_regex", "ident", "ident_regex", "arp", "eui64", "myportname", "localip",
    "localport", "myip", "time", "browser", "maxconn", "user_cert", "snmp_community", "ext_user", "ext_user_regex", "max_user_ip",
})  # fmt: skip
"""Kinds of lists that speak of who asks, and when."""
_NO_TUNNEL = frozenset({"CACHE_OBJECT", "FTP", "GOPHER", "WAIS", "URN", "WHOIS", "COAP", "COAPS"})
_MOST = 10  # lists of clients tried in every combination
_PLAIN = re.compile(r"[\w\s:/^$().|\\*?+-]*")
_RICH = re.compile(r"[*+?]\)?[*+?]|\)[*+?]|\\[^.\-/]|\[|\{|(?<!\.)[*+?]")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: a method, a host (name or address), a port."""

    method: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as patterns see it."""
        return f"{self.host}:{self.port}" if self.method == "CONNECT" else f"http://{self.host}/"


@dataclass(frozen=True, slots=True)
class Passage:
    """Whether some client gets through (None: may), and the rule that decides."""

    allowed: bool | None
    rule: ProxyRule | None


def ask(policy: ProxyPolicy, request: Request) -> Passage:
    """Return whether some client gets to *request*."""
    named = list(dict.fromkeys(name for rule in policy.rules for name, _ in rule.terms))
    clients = [name for name in named if (acl := policy.acl(name)) is not None and acl.kind in CLIENT and not _everybody(acl)]
    known = {name: _holds(policy.acl(name), name, request) for name in named if name not in clients}
    best = Passage(False, None)
    if len(clients) > _MOST:
        return Passage(None, None)
    guessed = {name for name in clients if (acl := policy.acl(name)) is not None and acl.missing}
    for chosen in product((True, False), repeat=len(clients)):
        truth: dict[str, bool | None] = dict(zip(clients, chosen, strict=True))
        found = _walk(policy, known | truth)
        if found.allowed and any(truth[name] for name in guessed):  # whether there is such a client stands in a file that is not there
            found = Passage(None, found.rule)
        if found.allowed:
            return found
        if found.allowed is None or best.rule is None:
            best = found if best.allowed is False else best
    return best


def _walk(policy: ProxyPolicy, truth: dict[str, bool | None]) -> Passage:
    """Return what the rules do when the lists hold as *truth* says: both outcomes may be possible where one cannot be decided."""
    outcomes: dict[bool, ProxyRule | None] = {}
    for rule in policy.rules:
        values = [None if (held := truth.get(name)) is None else held != negated for name, negated in rule.terms]
        if False in values:
            continue
        outcomes.setdefault(rule.allow, rule)
        if None not in values:
            break
    else:
        last = policy.rules[-1] if policy.rules else None
        outcomes.setdefault(last is not None and not last.allow, last)
    if len(outcomes) == 2:
        return Passage(None, outcomes[True])
    allowed = next(iter(outcomes))
    return Passage(allowed, outcomes[allowed])


def _everybody(acl: ProxyAcl) -> bool:
    return acl.kind == "src" and bool(acl.networks) and acl.networks[0][0] == 0 and acl.networks[0][1] >= (1 << 32) - 1


def _holds(acl: ProxyAcl | None, name: str, request: Request) -> bool | None:
    """Return whether a list holds for *request*; None where it cannot be decided."""
    if acl is None:
        return {"all": True, "manager": False, "localhost": False, "to_localhost": False, "to_linklocal": False,
                "CONNECT": request.method == "CONNECT"}.get(name)  # fmt: skip
    if _everybody(acl):
        return True
    found = _matches(acl, request)
    return None if acl.missing and found is False else found


def _matches(acl: ProxyAcl, request: Request) -> bool | None:
    number = of_address(request.host)
    if acl.kind == "dst":
        if acl.networks and acl.networks[0][0] == 0 and acl.networks[0][1] >= (1 << 32) - 1:
            return True
        return holds(acl.networks, number) if number is not None else False
    if acl.kind == "dstdomain":
        return any(_domain(value, request.host) for value in acl.values)
    if acl.kind == "port":
        return any(_port(value, request.port) for value in acl.values)
    if acl.kind == "method":
        return request.method in {value.upper() for value in acl.values}
    if acl.kind == "proto":
        spoken = {value.upper() for value in acl.values}
        if request.method == "CONNECT":  # a tunnel has none of these; which it has depends on the version
            return False if spoken <= _NO_TUNNEL else None
        return "HTTP" in spoken
    if acl.kind in {"dstdom_regex", "url_regex"}:
        text = request.host if acl.kind == "dstdom_regex" else request.url
        results = [_pattern(value, text, fold=acl.fold) for value in acl.values]
        return True if True in results else None if None in results else False
    return None


def _domain(value: str, host: str) -> bool:
    value, host = value.lower(), host.lower()
    return host == value.removeprefix(".") or host.endswith(value) if value.startswith(".") else host == value


def _port(value: str, port: int) -> bool:
    low, _, high = value.partition("-")
    return low.isdigit() and (high or low).isdigit() and int(low) <= port <= int(high or low)


def _pattern(pattern: str, text: str, *, fold: bool) -> bool | None:
    """Return whether a plain pattern is found in *text*; None for one with more than literals, ``.``, ``.*``, anchors and alternatives."""
    if len(pattern) > 300 or _PLAIN.fullmatch(pattern) is None or _RICH.search(pattern) or pattern.count("*") + pattern.count("+") > 2:
        return None
    try:
        return re.search(pattern, text, re.IGNORECASE if fold else 0) is not None
    except re.error:
        return None

"""Response policy zones and names: what a zone file blocks, in the few record forms that policy zones use.

::

    $TTL 300
    @ SOA localhost. root.localhost. 1 3600 600 86400 300
      NS localhost.
    onion CNAME .
    *.onion CNAME .
    ok.example.com CNAME rpz-passthru.

Reference: draft-vixie-dnsop-dns-rpz; RFC 1035 section 5.
"""

from __future__ import annotations

_TYPES = frozenset({"CNAME", "A", "AAAA", "SOA", "NS", "TXT", "MX", "DNAME", "PTR"})


def clean(name: str) -> str:
    """Return a domain in lower case without the final dot.

    >>> clean("Onion."), clean('"onion."')
    ('onion', 'onion')
    """
    return name.strip().strip('"').lower().rstrip(".")


def policy_names(lines: list[str], zone: str) -> tuple[tuple[tuple[str, bool], ...], str]:
    """Return each trigger of a policy zone and whether it blocks, and what is wrong with the zone (no SOA, no NS)."""
    found: dict[str, bool] = {}
    origin, last = zone, ""
    soa = ns = False
    depth = 0
    for line in lines:
        text = line.partition(";")[0].rstrip()
        if depth:  # within the parentheses of a SOA
            depth += text.count("(") - text.count(")")
            continue
        if not text.strip():
            continue
        words = text.split()
        if words[0] == "$ORIGIN" and len(words) > 1:
            origin = clean(words[1])
            continue
        if words[0].startswith("$"):
            continue
        depth += text.count("(") - text.count(")")
        owner = last if text[:1].isspace() else words.pop(0)
        last = owner
        rest = [word for word in words if not (word[:1].isdigit() and word[-1:].isalnum() and "." not in word) and word.upper() != "IN"]
        kind = next((word.upper() for word in rest[:1] if word.upper() in _TYPES), "")
        value = rest[1] if len(rest) > 1 else ""
        soa, ns = soa or kind == "SOA", ns or kind == "NS"
        if kind in {"SOA", "NS", ""}:
            continue
        if owner.endswith("."):
            name = clean(owner)
            name = name[: -len(zone) - 1] if name.endswith("." + zone) else name
        else:
            name = clean(owner) + ("" if origin == zone else "." + origin.removesuffix("." + zone).removesuffix(zone))
        blocks = not (kind == "CNAME" and clean(value) == "rpz-passthru")
        found[name.rstrip(".")] = blocks
    fault = "" if soa and ns else "has no SOA or no NS record, so it does not load"
    return tuple(found.items()), fault


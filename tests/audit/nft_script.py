"""Random scripts of nftables with what people write: variables, named sets and maps, concatenations, verdict maps, commands after the tables."""

from __future__ import annotations

import random

TARGETS = ["127.0.0.1", "127.0.0.20", "127.0.0.21"]
PORTS = [1022, 1389, 1900]


def script(rng: random.Random) -> str:
    """Return a script with what people write: variables, named sets and maps, concatenations, verdict maps, chains on a device."""
    some = [f"127.0.0.{number}" for number in sorted(rng.sample(range(1, 13), 5))]
    few = ", ".join(some[:3])
    verdicts = ["accept", "drop", "return", "jump inner", "goto inner", "reject with icmp type port-unreachable"]

    def pick() -> str:
        return rng.choice(verdicts)

    matches = [
        "ip saddr $some",
        "ip saddr != $some",
        "ip saddr { $some, 127.0.0.12 }",
        "ip saddr @named",
        "ip saddr != @named",
        "udp dport @ports",
        "udp dport != @ports",
        f"ip saddr . udp dport {{ {some[0]} . {PORTS[0]}, {some[1]}-{some[3]} . 1300-1400 }}",
        "ip saddr . udp dport @pairs",
        f"udp dport . ip daddr {{ {PORTS[2]} . {TARGETS[1]} }}",
        f"udp dport > {PORTS[0]}",
        f"udp dport <= {PORTS[1]}",
        f"udp dport >= {PORTS[2]}",
        "udp sport 1-5",
        "fib daddr type local",
        "fib daddr type { unicast, broadcast }",
        "fib saddr type != local",
        "meta pkttype { host, broadcast }",
        "meta nfproto ipv4",
        "meta protocol ip",
        "ip version 4",
        "iifname @faces",
        'iifname { "lo", "eth9" }',
        "iif lo",
        'oifname "eth7"',
        "ip protocol udp",
        "ip ttl > 1",
        "ct state { new, established }",
        "ct state ! established",
        "ct direction original",
        "ct direction reply",
        f"ip saddr 127.0.0.0/29 udp dport {PORTS[0]}",
        "udp dport 1000-1500 ip daddr 127.0.0.16/28",
        "meta l4proto != tcp th dport { 1022, 1389 }",
        "@th,16,16 1389",
    ]

    def rule() -> str:
        chosen = rng.sample(matches, rng.choice([1, 1, 1, 2]))
        if rng.random() < 0.1:
            chosen = [rng.choice(["ip6 nexthdr udp", "tcp flags syn", "meta nfproto ipv6", "ip6 saddr ::1"])]
        noise = rng.choice(["", "", "counter ", 'log prefix "x: " level info ', "meta mark set 0x5 ", "ct mark set meta mark "])
        verdict = pick() if not {"6", "tcp"} & set(chosen[0].replace("ip6", "6 ").replace("ipv6", "6 ").split()) else "drop"
        return f"{' '.join(chosen)} {noise}{verdict}" + rng.choice(["", "", ' comment "why # not; }"'])

    maps = [
        f"udp dport vmap {{ {PORTS[0]} : {_plain(rng)}, 1300-1400 : jump inner, * : {_plain(rng)} }}",
        f"ip saddr vmap {{ {some[0]} : drop, {some[1]}-{some[2]} : accept }}",
        "ip saddr . udp dport vmap @fates",
        f"ip daddr vmap {{ {TARGETS[0]} : jump inner, {TARGETS[1]} : {_plain(rng)} }}",
    ]
    lines = [rule() for _ in range(rng.randrange(2, 9))] + rng.sample(maps, rng.randrange(3))
    rng.shuffle(lines)
    inner = [rule().replace("jump inner", "accept").replace("goto inner", "drop") for _ in range(rng.randrange(4))]
    policy = rng.choice(["accept", "drop"])
    text = f"""#!/usr/sbin/nft -f
# a site's rules
flush ruleset
define some = {{ {few} }}
define door = {PORTS[0]}
table inet one {{
  set named {{ type ipv4_addr; flags interval; elements = {{ {some[0]}, {some[1]}-{some[3]}, 127.0.1.0/24 }} }}
  set ports {{ type inet_service; elements = {{ $door, {PORTS[2]} }}
  }}
  set faces {{ type ifname; elements = {{ "lo", "eth4" }}; }}
  set pairs {{ typeof ip saddr . udp dport; elements = {{ {some[0]} . {PORTS[1]}, {some[4]} . $door }}; }}
  map fates {{ type ipv4_addr . inet_service : verdict; flags interval
    elements = {{ 127.0.0.0/29 . {PORTS[0]} : drop,
                 {some[4]} . {PORTS[1]}-{PORTS[2]} : accept }}
  }}
  counter seen {{ packets 0 bytes 0; }}
  chain inner {{
    {chr(10).join(inner)}
  }}
  chain input {{ type filter hook input priority {rng.choice(["filter", "0", "filter - 5", "filter + 7"])}; policy {policy};
    {chr(10).join(lines)}
  }}
}}
"""
    if rng.random() < 0.4:
        early = rule().replace("jump inner", "drop").replace("goto inner", "accept")
        text += f"table inet one {{ chain early {{ type filter hook prerouting priority raw; {early};\n }}\n}}\n"
    if rng.random() < 0.3:
        hook = 'type filter hook ingress device "lo" priority -500;'
        text += f"table netdev dev {{\nchain first {{ {hook}\nip saddr {{ {few} }} udp dport {PORTS[1]} drop\n}}\n}}\n"
    if rng.random() < 0.4:
        text += f"add rule inet one input ip saddr {some[2]} {rng.choice(['accept', 'drop'])}\n"
        text += f"insert rule inet one input ip daddr {TARGETS[2]} {rng.choice(['accept', 'drop'])}\n"
    if rng.random() < 0.3:
        text += f"add element inet one ports {{ {PORTS[1]} }}\n"
    if rng.random() < 0.2:
        text += "table ip old { chain input { type filter hook input priority 20; policy drop;\n }\n}\ndelete table ip old\n"
    return text


def _plain(rng: random.Random) -> str:
    return rng.choice(["accept", "drop", "continue", "return"])

"""Random rule sets of nftables and iptables: the answer computed from their dump is what the kernel does, probe by probe."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from kernel import Probe, ask, needs
from nft_script import PORTS, TARGETS, script

from gatewatch.audit.reach.flow import Engine, Packet
from gatewatch.audit.reach.query import arrive
from gatewatch.audit.reach.span import holds, of_address
from gatewatch.evidence.document import Document
from gatewatch.evidence.reading import bundles, read
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import UDP, PacketFilter
from gatewatch.schema.facts.route import Route

SOURCES = [f"127.0.0.{number}" for number in range(1, 13)]


def filter_of(name: str, text: str, folder: str = "commands") -> PacketFilter:
    [bundle] = bundles([Document(f"h/{folder}/{name}", f"{folder}/{name}", "h", text.encode())])
    reading = read(bundle)
    assert [file.reason for file in reading.files] == [""]
    [found] = [fact for fact in reading.facts if isinstance(fact, PacketFilter)]
    return found


def networks(rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(SOURCES)
    if kind == 1:
        return f"127.0.0.{rng.choice([0, 4, 8])}/{rng.choice([29, 30])}"
    if kind == 2:
        low = rng.randrange(1, 10)
        return f"127.0.0.{low}-127.0.0.{low + rng.randrange(1, 6)}"
    return "127.0.0.0/8"


def nft_rules(rng: random.Random) -> str:
    def match() -> str:
        parts = []
        if rng.random() < 0.6:
            some = ", ".join(dict.fromkeys(networks(rng).replace("127.0.0.0/8", "127.0.0.7") for _ in range(rng.choice([1, 1, 2]))))
            single = some.split(", ")[0]
            parts.append(f"ip saddr {rng.choice(['', '!= '])}{single}")
        if rng.random() < 0.3:
            parts.append(f"ip daddr {rng.choice(['', '!= '])}{rng.choice(TARGETS)}")
        if rng.random() < 0.6:
            parts.append(
                rng.choice(
                    [f"udp dport {rng.choice(PORTS)}", f"udp dport {{ {PORTS[0]}, {PORTS[1]} }}", f"udp dport != {PORTS[2]}", "udp dport 1000-1500"]
                )
            )
        if rng.random() < 0.15:
            parts.append(
                rng.choice(["meta l4proto udp", "ip protocol tcp", 'iifname "lo"', 'iifname != "lo"', "ct state new", "ct state established"])
            )
        return " ".join(parts)

    def body(targets: list[str], most: int) -> list[str]:
        lines = []
        for _ in range(rng.randrange(most)):
            verdicts = ["accept", "drop", "return", "counter", *(f"{word} {name}" for name in targets for word in ("jump", "goto"))]
            lines.append(f"{match()} {rng.choice(verdicts)}".strip())
        if rng.random() < 0.3:
            lines.append(f"udp dport vmap {{ {PORTS[0]} : {rng.choice(['accept', 'drop'])}, {PORTS[1]}-1500 : {rng.choice(['drop', 'accept'])} }}")
        return lines

    chains = {"inner": body([], 4), "middle": body(["inner"], 4)}
    text = "table inet one {\n"
    for name, lines in chains.items():
        text += f"chain {name} {{\n" + "\n".join(lines) + "\n}\n"
    for name, priority in (("first", 0), ("second", 10)):
        policy = rng.choice(["accept", "drop"]) if name == "first" else "accept"
        text += f"chain {name} {{\ntype filter hook input priority {priority}; policy {policy};\n" + "\n".join(body(["inner", "middle"], 7)) + "\n}\n"
    text += "}\n"
    if rng.random() < 0.4:
        text += "table ip nat {\nchain pre {\ntype nat hook output priority -100; policy accept;\n}\n}\n"
    return text


def iptables_rules(rng: random.Random) -> str:
    def rule(chain: str, targets: list[str]) -> str:
        parts = [f"-A {chain}"]
        if rng.random() < 0.6:
            network = networks(rng)
            flag = "-m iprange {}--src-range" if "-" in network else "{}-s"
            parts.append(flag.format(rng.choice(["", "! "])) + f" {network}")
        if rng.random() < 0.3:
            parts.append(f"{rng.choice(['', '! '])}-d {rng.choice(TARGETS)}/32")
        if rng.random() < 0.6:
            choices = [
                f"-m udp {rng.choice(['', '! '])}--dport {rng.choice(PORTS)}",
                f"-m multiport {rng.choice(['', '! '])}--dports {PORTS[0]},1300:1400",
            ]
            parts.append("-p udp " + rng.choice(choices))
        if rng.random() < 0.2:
            parts.append(rng.choice(["-i lo", "! -i lo", "-m conntrack --ctstate RELATED,ESTABLISHED", "-m conntrack --ctstate NEW", "-p tcp"][:4]))
        verdict = rng.choice(["-j ACCEPT", "-j DROP", "-j REJECT", "-j RETURN", "", *(f"{word} {name}" for name in targets for word in ("-j", "-g"))])
        return " ".join(part for part in [*parts, verdict] if part)

    lines = [
        "*filter",
        f":INPUT {rng.choice(['ACCEPT', 'DROP'])} [0:0]",
        ":FORWARD ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        ":inner - [0:0]",
        ":middle - [0:0]",
    ]
    lines += [rule("inner", []) for _ in range(rng.randrange(5))]
    lines += [rule("middle", ["inner"]) for _ in range(rng.randrange(5))]
    lines += [rule("INPUT", ["inner", "middle"]) for _ in range(rng.randrange(10))]
    return "\n".join([*lines, "COMMIT", ""])


def told(found: PacketFilter) -> list[object]:
    """Return what the rules say, without where they say it and in whose words they cannot be decided."""
    return [
        (chain.name, chain.policy, [replace(rule, where=Where("", 0), unknown="?" if rule.unknown else "") for rule in chain.rules])
        for chain in found.chains
    ] + [found.prerouting, found.input, found.forward]


def compare(found: PacketFilter, probes: list[Probe], arrived: list[list[int]], *, unsure: bool = False) -> int:
    """Return how many probes the rules let in; with *unsure*, how many are decided: no answer may be another than the kernel's."""
    engine = Engine(found)
    engine.source_ports = [40_000]  # of the class the kernel gives to who chooses none
    let_in = 0
    for (source, target, port), got in zip(probes, arrived, strict=True):
        number = of_address(source)
        assert number is not None
        fate = arrive(engine, ((number, number),), Packet(UDP, port, of_address(target), local=True, interface_in="lo"))
        if unsure:
            assert holds(fate.accepted if got else fate.dropped, number), (source, target, port, got)
            let_in += holds(fate.accepted, number) is not holds(fate.dropped, number)
            continue
        assert holds(fate.accepted, number) is bool(got), (source, target, port, got)
        assert holds(fate.dropped, number) is not bool(got), (source, target, port, got)
        let_in += bool(got)
    return let_in


PROBES: list[Probe] = [(source, target, port) for source in SOURCES for target in TARGETS for port in PORTS]


@pytest.mark.parametrize("seed", range(25))
def test_nftables_is_what_the_kernel_does(seed: int) -> None:
    needs("nft")
    text = nft_rules(random.Random(seed))
    arrived, [tree, dump] = ask([(["nft", "-f", "-"], text)], [["nft", "-j", "list", "ruleset"], ["nft", "list", "ruleset"]], PORTS, PROBES)
    compare(filter_of("nft.json", tree), PROBES, arrived)
    compare(filter_of("nft-list-ruleset.txt", dump), PROBES, arrived)
    compare(filter_of("nftables.conf", text, "etc"), PROBES, arrived)
    assert told(filter_of("nft.json", tree)) == told(filter_of("nft-list-ruleset.txt", dump))


@pytest.mark.parametrize("seed", range(40))
def test_a_script_of_nftables_its_text_and_its_tree_are_what_the_kernel_does(seed: int) -> None:
    needs("nft")
    text = script(random.Random(seed))
    arrived, [tree, dump] = ask([(["nft", "-f", "-"], text)], [["nft", "-j", "list", "ruleset"], ["nft", "list", "ruleset"]], PORTS, PROBES)
    written, shown, json_form = filter_of("nftables.conf", text, "etc"), filter_of("nft-list-ruleset.txt", dump), filter_of("nft.json", tree)
    decided = [compare(one, PROBES, arrived, unsure=True) for one in (written, shown, json_form)]
    assert not written.incomplete
    assert not shown.incomplete
    if "netdev" not in text:  # whose device the tree does not tell
        assert told(shown) == told(json_form)
        assert decided[1] == decided[2]
    assert decided[0] == decided[1]


@pytest.mark.parametrize("seed", range(10))
def test_what_iptables_wrote_is_read_from_the_text_of_nftables(seed: int) -> None:
    needs("nft", "iptables-nft-restore")
    text = iptables_rules(random.Random(seed))
    arrived, [dump] = ask([(["iptables-nft-restore"], text)], [["nft", "list", "ruleset"]], PORTS, PROBES)
    compare(filter_of("nft-list-ruleset.txt", dump), PROBES, arrived, unsure=True)


@pytest.mark.parametrize("seed", range(25))
def test_iptables_is_what_the_kernel_does(seed: int) -> None:
    needs("iptables-nft-restore", "iptables-nft-save")
    text = iptables_rules(random.Random(seed))
    arrived, [dump] = ask([(["iptables-nft-restore"], text)], [["iptables-nft-save"]], PORTS, PROBES)
    compare(filter_of("iptables-save.txt", dump), PROBES, arrived)


def test_the_random_rules_let_some_in_and_keep_some_out() -> None:
    needs("nft")
    counts = []
    for seed in range(25):
        arrived, _ = ask([(["nft", "-f", "-"], nft_rules(random.Random(seed)))], [], PORTS, PROBES[:36])
        counts.append(sum(map(bool, arrived)))
    assert min(counts) < 18 < max(counts)
    assert sum(0 < count < 36 for count in counts) > 5


NAT_SOURCES = [f"10.9.0.{number}" for number in range(2, 14)]
NAT_TARGETS = ["10.9.0.1", "10.8.0.1", "10.8.0.2"]
NAT_PROBES: list[Probe] = [(source, target, port) for source in NAT_SOURCES[:5] for target in NAT_TARGETS for port in (1000, 1003, 1007, 1012, 1015)]
ADDRESSES = (
    '[{"ifname": "near", "addr_info": [{"local": "10.9.0.1", "prefixlen": 24, "scope": "global"}]},'
    ' {"ifname": "lo", "addr_info": [{"local": "10.8.0.1", "prefixlen": 32}, {"local": "10.8.0.2", "prefixlen": 32}]}]'
)


def translations(rng: random.Random) -> str:
    def ports() -> str:
        low = rng.randrange(1000, 1014)
        return rng.choice([str(low), f"{low}-{low + rng.randrange(1, 7)}"])

    def rule() -> str:
        parts = [
            rng.choice(["", "", f"ip saddr {rng.choice(NAT_SOURCES)}", "ip saddr 10.9.0.0/30", 'iifname "near"', 'iifname "lo"']),
            rng.choice(["", f"ip daddr {rng.choice(NAT_TARGETS)}"]),
            f"udp dport {ports()}",
        ]
        to = rng.choice(NAT_TARGETS[1:])
        where = rng.choice(
            [
                f"dnat ip to {to}:{ports()}",
                f"dnat ip to {to}",
                f"redirect to :{ports()}",
                "redirect",
                "accept",
                f"dnat ip to udp dport map {{ 1000 : {to}, 1003-1012 : 10.8.0.2 }}",
                f"dnat ip to udp dport map {{ 1003 : {to} . 1007, 1015 : 10.8.0.1 . 1001 }}",
                "redirect to :udp dport map { 1000 : 1003, 1012 : 1007 }",
                "dnat ip to 10.8.0.1-10.8.0.2",
            ]
        )
        return " ".join([part for part in parts if part] + [where])

    def check() -> str:
        where = rng.choice(["", f"ip daddr {rng.choice(NAT_TARGETS)}", "ip saddr 10.9.0.4/30"])
        parts = [where, f"udp dport {ports()}", rng.choice(["accept", "drop"])]
        return " ".join(part for part in parts if part)

    chains = "\n".join(rule() for _ in range(rng.randrange(1, 6)))
    checks = "\n".join(check() for _ in range(rng.randrange(6)))
    return (
        f"table inet nat {{\nchain pre {{\ntype nat hook prerouting priority dstnat;\n{chains}\n}}\n}}\n"
        f"table inet f {{\nchain in {{\ntype filter hook input priority 0; policy {rng.choice(['accept', 'drop'])};\n{checks}\n}}\n}}\n"
    )


@pytest.mark.parametrize("seed", range(12))
def test_translations_are_what_the_kernel_does(seed: int) -> None:
    needs("nft")
    text = translations(random.Random(seed))
    arrived, [dump] = ask([(["nft", "-f", "-"], text)], [["nft", "list", "ruleset"]], list(range(990, 1025)), NAT_PROBES, outside=True)
    documents = [
        Document(f"h/commands/{name}", f"commands/{name}", "h", data.encode()) for name, data in (("ip-address.json", ADDRESSES), ("nft.txt", dump))
    ]
    [bundle] = bundles(documents)
    facts = read(bundle).facts
    [rules] = [fact for fact in facts if isinstance(fact, PacketFilter)]
    engine = Engine(rules, routes=tuple(fact for fact in facts if isinstance(fact, Route)))
    engine.source_ports = [40_000]
    decided = 0
    for (source, target, port), got in zip(NAT_PROBES, arrived, strict=True):
        number = of_address(source)
        assert number is not None
        fate = arrive(engine, ((number, number),), Packet(UDP, port, of_address(target), local=True, interface_in="near"))
        assert holds(fate.accepted if got else fate.dropped, number), (source, target, port, got)
        decided += holds(fate.accepted, number) is not holds(fate.dropped, number)
        for landed in (one for one in got if one != port):
            assert any(_leads(engine, number, target, port, (place, landed)) for place in NAT_TARGETS), (source, target, port, got)
    assert decided >= len(NAT_PROBES) * 0.6, text


def _leads(engine: Engine, source: int, target: str, port: int, to: tuple[str, int]) -> bool:
    """Return whether the rules may translate a connection to *target* and *port* to *to*."""
    number = of_address(to[0])
    assert number is not None
    packet = Packet(UDP, port, of_address(target), local=True, interface_in="near")
    return holds(arrive(engine, ((source, source),), packet, to=(number, to[1])).accepted, source)

"""A question to 20,000 rules: CPU time of ``reach`` in milliseconds, for rule sets of several shapes, each semantics, and the worst case.

``python bench/reach.py [--rules 20000] [--queries 250]`` makes packet filters in memory, compiles them (told apart, for that is load), then asks
for many hosts and ports, every question another one, so that no whole answer is served from memory. Shapes: ``mixed`` (networks and
ports of a site's edge), ``lists`` (block lists of single sources before the rules), and ``one port``, in which every rule speaks of the same port and
another range of sources, with verdicts in turn, which is the most that a single question can have to walk. First-time answers stand beside those
that come back.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable, Iterator

from gatewatch.audit.reach.query import Reach
from gatewatch.audit.reach.zone import internet
from gatewatch.schema.facts.base import Facts, Where
from gatewatch.schema.facts.filter import TCP, Action, Chain, PacketFilter, Rule, Semantics
from gatewatch.schema.facts.machine import Machine, System
from gatewatch.site.model import Site

INSIDE = (198 << 24) | (51 << 16) | (100 << 8)  # a network the internet routes to, so that every question goes through the rules
HOSTS = 250
PORTS = (22, 443, 445, 1194, 3389, 5900, 5985, 8443)


def spot(number: int) -> Where:
    """Return a place in a rule set."""
    return Where("rules", number)


def span(dice: random.Random, narrow: int, wide: int) -> tuple[int, int]:
    """Return a random network outside, of a prefix between *wide* and *narrow* bits."""
    bits = 32 - dice.randint(wide, narrow)
    low = dice.randrange(11 << 24, 223 << 24) >> bits << bits
    return low, low + (1 << bits) - 1


def mixed(number: int, dice: random.Random) -> Iterator[Rule]:
    """Yield rules of an edge: a source network to a host or network inside, on a port or a few."""
    for line in range(number):
        low = INSIDE + dice.randrange(HOSTS)
        port = dice.choice(PORTS)
        yield Rule(
            Action.ACCEPT if dice.random() < 0.6 else Action.DROP, spot(line), sources=None if dice.random() < 0.002 else (span(dice, 32, 12),),
            destinations=((low, low),) if dice.random() < 0.7 else ((low & ~15, low | 15),), protocols=(TCP,),
            ports=((port, port),) if dice.random() < 0.9 else ((port, port + 200),),
        )  # fmt: skip


def lists(number: int, dice: random.Random) -> Iterator[Rule]:
    """Yield block lists of single sources, whatever they ask for, and a few rules that accept."""
    for line in range(number - 16):
        yield Rule(Action.DROP, spot(line), sources=(span(dice, 32, 24),))
    for line in range(16):
        low = INSIDE + line * 15
        yield Rule(Action.ACCEPT, spot(number - 16 + line), destinations=((low, low + 14),), protocols=(TCP,), ports=((PORTS[line % 8],) * 2,))


def one_port(number: int, dice: random.Random) -> Iterator[Rule]:
    """Yield rules on one port, each of another range of sources that no other touches, accepting and dropping in turn."""
    lines = list(range(number))
    dice.shuffle(lines)
    for at, line in enumerate(lines):
        low = (11 << 24) + at * 128
        yield Rule(Action.ACCEPT if at % 2 else Action.DROP, spot(line), sources=((low, low + 60 + at % 7),), protocols=(TCP,), ports=((3389, 3389),))


def one_port_open(number: int, dice: random.Random) -> Iterator[Rule]:
    """Yield the same where all rules accept: the answer is as long as the rule set."""
    for rule in one_port(number, dice):
        yield Rule(Action.ACCEPT, rule.where, sources=rule.sources, protocols=rule.protocols, ports=rule.ports)


def unsure(number: int, dice: random.Random) -> Iterator[Rule]:
    """Yield one port, where one rule in forty has a condition that nobody can decide."""
    for at, rule in enumerate(one_port(number, dice)):
        yield Rule(rule.action, rule.where, sources=rule.sources, protocols=rule.protocols, ports=rule.ports, unknown="" if at % 40 else "limit")


SHAPES: dict[str, Callable[[int, random.Random], Iterator[Rule]]] = {
    "mixed": mixed, "lists": lists, "one port": one_port, "one port, all open": one_port_open, "one port, unsure": unsure,
}  # fmt: skip


def measure(shape: str, semantics: Semantics, number: int, queries: int) -> None:
    """Compile one rule set, ask, and print what a question cost."""
    dice = random.Random(7)
    rules = tuple(SHAPES[shape](number, dice))
    chain = Chain("forward", rules, Action.DROP)
    gate = PacketFilter(
        host="gate", platform="test", semantics=semantics, chains=(chain,), forward=("forward",), protects=((INSIDE, INSIDE + 255),),
    )  # fmt: skip
    hosts = [Machine(host=f"host{n}", system=System.LINUX, addresses=(f"198.51.100.{n}",)) for n in range(HOSTS)]
    facts = Facts()
    facts.add([gate, *hosts])
    site = Site.default()
    outside = internet(site)
    start = time.process_time()
    reach = Reach(facts, site)
    load = time.process_time() - start
    costs = []
    gc.freeze()  # what was there before is not looked through again; of what the questions leave behind, their own cost is part
    for n in range(queries):
        port = 3389 if shape.startswith("one") else PORTS[n % len(PORTS)]
        start = time.process_time()
        answer = reach.ask(outside, f"host{n % HOSTS}", port)
        costs.append(time.process_time() - start)
    first, rest = costs[0], sorted(costs[1:])
    print(
        f"{shape:20} {semantics.value:12} load {load:5.2f} s   first {1000 * first:6.2f} ms   median {1000 * rest[len(rest) // 2]:6.2f} ms   "
        f"99 of 100 {1000 * rest[len(rest) * 99 // 100]:6.2f} ms   worst {1000 * rest[-1]:6.2f} ms   {answer.verdict}, {len(answer.sure)} ranges"
    )


def main() -> None:
    """Measure every shape under every semantics."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=20_000, help="rules of the packet filter")
    parser.add_argument("--queries", type=int, default=HOSTS, help="questions, each of another host")
    given = parser.parse_args()
    for shape in SHAPES:
        for semantics in Semantics:
            measure(shape, semantics, given.rules, given.queries)


if __name__ == "__main__":
    main()

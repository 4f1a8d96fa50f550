"""Windows' firewall: the packet filter that is built lets through what a plain reading of its rules lets through, for every profile."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatewatch.audit.reach.flow import ANY, Engine, Packet
from gatewatch.audit.reach.query import arrive
from gatewatch.audit.reach.span import holds, less
from gatewatch.evidence.document import Document
from gatewatch.evidence.windows_registry_firewall import parse_rule
from gatewatch.evidence.windows_registry_text import Value
from gatewatch.evidence.windows_rule import PROFILES, Profile, WindowsRule, build
from gatewatch.schema.facts.base import Where
from gatewatch.schema.facts.filter import TCP

HERE = Where("x", 1)
SOURCES = {"10.0.0.1": 0x0A000001, "10.0.0.200": 0x0A0000C8, "192.0.2.1": 0xC0000201}
REMOTES = {"any": lambda at: True, "10.0.0.0/25": lambda at: at == 0x0A000001, "10.0.0.0/24": lambda at: at >> 8 == 0x0A0000}

RULES = st.builds(
    WindowsRule,
    name=st.just("r"),
    action=st.sampled_from(["Allow", "Block", "ByPass"]),
    where=st.just(HERE),
    profiles=st.sets(st.sampled_from(PROFILES), min_size=1).map(lambda found: tuple(name for name in PROFILES if name in found)),
    protocol=st.sampled_from(["6", "TCP", "17", "Any"]),
    ports=st.sampled_from([("3389",), ("3000-4000",), ("22",), ("any",), ("22", "3389")]),
    remote=st.sampled_from([(name,) for name in REMOTES]),
    policy=st.booleans(),
)
STATES = st.tuples(*[st.builds(Profile, st.just(name), st.booleans(), st.booleans(), st.booleans()) for name in PROFILES])


def oracle(rules: list[WindowsRule], profile: Profile, source: int) -> bool:
    """Say whether TCP 3389 gets in while *profile* is in force: allow-bypass over block over allow over the default."""
    if not profile.enabled:
        return True
    hits = [
        rule.action
        for rule in rules
        if profile.name in rule.profiles
        and (rule.policy or profile.merge)
        and rule.protocol in {"6", "TCP", "Any"}
        and rule.ports != ("22",)
        and REMOTES[rule.remote[0]](source)
    ]
    if "ByPass" in hits:
        return True
    if "Block" in hits:
        return False
    return "Allow" in hits or not profile.block


@given(st.lists(RULES, max_size=6), STATES, st.sets(st.sampled_from(PROFILES)))
def test_what_gets_in_is_what_the_rules_say(rules: list[WindowsRule], states: tuple[Profile, ...], active: set[str]) -> None:
    made = build("h", None, rules, states, active=tuple(sorted(active)), where=(HERE,))
    fate = arrive(Engine(made), ANY, Packet(TCP, 3389, None, local=True))
    candidates = [state for state in states if not active or state.name in active]
    for number in SOURCES.values():
        truth = [oracle(rules, state, number) for state in candidates]
        sure, may = holds(fate.sure, number), holds(fate.accepted, number)
        assert may or not any(truth)
        assert all(truth) or not sure
        if len(candidates) == 1:
            assert sure == may == truth[0]


def test_two_halves_are_the_whole_internet() -> None:
    rule = WindowsRule("r", "Allow", HERE, ports=("3389",), protocol="6", remote=("0.0.0.0/1", "128.0.0.0/1", "::/0"))
    made = build("h", None, [rule], [Profile(name, True, True) for name in PROFILES], where=(HERE,))
    assert less(ANY, arrive(Engine(made), ANY, Packet(TCP, 3389, None, local=True)).sure) == ()


def test_the_registrys_grammar_repeats_keys() -> None:
    text = "v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Domain|Profile=Private|LPort=22|LPort2_10=3000-4000|"
    text += "RA4=10.0.0.0/255.0.0.0|RA6=fe80::/64|"
    rule = parse_rule(Value(text, "sz", HERE), policy=True)
    assert rule is not None
    assert (rule.profiles, rule.ports, rule.remote) == (("domain", "private"), ("22", "3000-4000"), ("10.0.0.0/255.0.0.0", "fe80::/64"))
    for other in ("Dir=In", "Active=TRUE"):
        assert parse_rule(Value(text.replace(other, other[:4]), "sz", HERE), policy=True) is None or other == "Active=TRUE"


def test_what_cannot_be_resolved_is_undecided() -> None:
    states = [Profile(name, True, True) for name in PROFILES]
    for rule in (
        WindowsRule("r", "Allow", HERE, ports=("3389",), protocol="6", remote=("LocalSubnet",)),
        WindowsRule("r", "Allow", HERE, protocol="6", program="C:\\x.exe"),
        WindowsRule("r", "Allow", HERE, ports=("Teredo",), protocol="6"),
        WindowsRule("r", "Allow", HERE, ports=("3389",), protocol="6", limits=("security Authenticate",)),
    ):
        fate = arrive(Engine(build("h", None, [rule], states, where=(HERE,))), ANY, Packet(TCP, 3389, None, local=True))
        assert fate.accepted and not fate.sure
    assert Document("a", "a", "", b"x").text == "x"

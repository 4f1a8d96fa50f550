"""Tests of the shipped chains and ATT&CK data: complete, consistent with the rules, and named in the glossary of stages."""

from __future__ import annotations

import pytest

from gatewatch.detect.attack import attack
from gatewatch.detect.case import PROVING
from gatewatch.detect.chain import Chain
from gatewatch.detect.content import load_content
from gatewatch.detect.need import faulty
from gatewatch.site.tunable import BY_NAME

CONTENT = load_content()
CHAINS = {chain.id: chain for chain in CONTENT.chains}
STAGES = {
    *(*PROVING, "logon", "access", "stopped", "use", "privilege", "exposure", "before", "authentication", "moved", "created"),
    *("outbound", "followed", "searched", "shut", "asked", "answered", "miss", "campaign"),
}
CLUSTER = {
    *("privileged-container", "system-namespace-pod", "node-proxy", "cluster-secrets-read", "service-account-token-read", "cluster-role-granted"),
    *("cluster-credential-issued", "cluster-job-installed", "cluster-role-widened", "docker-api-exposed", "service-exposed", "cluster-guard-removed"),
    "container-tool",
}
CONSOLE = {  # what identity providers, clouds, mail services and gateways record, each with the address it came from
    *("role-granted", "mfa-method-added", "mfa-weakened", "api-credential-issued", "federation-changed", "remote-access-opened"),
    *("gateway-user-changed", "authentication-weakened", "mail-diverted", "gateway-tampered"),
}
FOREIGN: dict[str, set[str]] = {  # grave rules that say nothing on the platform
    "an1004": {"remote-login-enabled", "screen-sharing-enabled"},
    "an1005": {
        *("rdp-enabled", "winrm-enabled", "logon-right-granted", "accessibility-backdoor", "defender-lookalike"),
    },
    "an1006": {
        *("rdp-enabled", "winrm-enabled", "logon-right-granted", "accessibility-backdoor", "defender-lookalike"),
    },
}

FOREIGN = {analytic: foreign | CLUSTER | CONSOLE for analytic, foreign in FOREIGN.items()}


def stage(chain: str, name: str) -> set[str]:
    """The rules of a stage."""
    return {rule for it in CHAINS[chain].stages if it.name == name for rule in it.rules}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_is_complete(chain: Chain) -> None:
    assert chain.false_positives
    assert chain.blind_spots
    assert chain.next_steps
    assert chain.analytic in {analytic.id for analytic in attack().strategy.analytics}
    assert "T1133" in chain.attack
    assert set(chain.attack) <= set(attack().techniques)
    assert {it.name for it in chain.stages} <= STAGES
    assert set(chain.tunables) <= set(BY_NAME)
    assert set(chain.rules) <= set(CONTENT.rules.names)
    assert chain.span is not None


def test_the_shipped_chains_are_those_of_the_platforms() -> None:
    names = {an: {name.removeprefix(f"{an}-") for name in CHAINS if name.startswith(f"{an}-")} for an in ("an1004", "an1005", "an1006", "an1007")}
    shared = names["an1004"] & names["an1005"] & names["an1006"]
    assert len(shared) == 18
    assert names["an1004"] - shared == {"loopback-rdp", "rdp-without-vpn", "session-entered-elsewhere", "stranger-after-failure"}
    assert names["an1006"] - shared == {"unexpected-outbound", "outbound-in-session"}
    console = {
        *("second-door-console", "second-door-console-use", "uncommon-console-act", "gateway-tampered-accounts-used"),
        *("mfa-fatigue", "mfa-refused-then-accepted", "uncommon-access-foothold", "second-factor-missing", "campaign-logon"),
    }
    assert names["an1005"] - shared == {*console, "session-moved", "session-two-clients", "session-without-authentication", "key-added-key-logon"}
    assert sum(map(len, names.values())) == len(CHAINS)


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_speaks_of_the_platform_of_its_analytic(chain: Chain) -> None:
    analytic = next(analytic for analytic in attack().strategy.analytics if analytic.id == chain.analytic)
    seen_by_a_sensor = chain.rules[0] in {"control-plane-answered", "outbound-remote-access"} or chain.rules[-1] == "sensor-alert"
    assert chain.platform is None if seen_by_a_sensor else str(chain.platform) in {platform.lower() for platform in analytic.platforms}
    assert chain.id.startswith(chain.analytic.lower())


def test_doors_and_grave_acts_are_those_the_rules_are_tagged_with() -> None:
    doors, grave = set(CONTENT.rules.tagged("gatewatch.door")), set(CONTENT.rules.tagged("gatewatch.grave"))
    for analytic, foreign in FOREIGN.items():
        assert foreign <= grave
        assert stage(f"{analytic}-second-door", "door") == doors - foreign
        assert stage(f"{analytic}-uncommon-access-grave-act", "act") == grave - doors - foreign


def test_doors_and_grave_acts_at_a_console_are_those_of_its_rules() -> None:
    doors, grave = set(CONTENT.rules.tagged("gatewatch.door")), set(CONTENT.rules.tagged("gatewatch.grave"))
    assert stage("an1005-second-door-console", "door") == doors & {*CONSOLE, "account-created"}
    assert stage("an1005-uncommon-console-act", "act") == (grave - doors) & {*CONSOLE, "log-cleared"}
    assert stage("an1005-second-door-console-use", "door") <= doors | {"password-changed"}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_needs_what_there_is(chain: Chain) -> None:
    assert faulty(chain.needs) == []
    assert any(it.absent and not it.optional for it in chain.stages) <= ("log:own" in chain.needs)


def test_doors_and_grave_acts_in_a_cluster_are_those_of_its_rules() -> None:
    doors, grave = set(CONTENT.rules.tagged("gatewatch.door")), set(CONTENT.rules.tagged("gatewatch.grave"))
    assert stage("an1007-second-door", "door") | stage("an1007-docker-api-exposed", "door") == doors & CLUSTER
    assert stage("an1007-uncommon-access-grave-act", "act") == (grave - doors) & {*CLUSTER, "log-cleared"}


@pytest.mark.parametrize("chain", [chain for chain in CHAINS.values() if any(it.name == "onward" for it in chain.stages)], ids=lambda chain: chain.id)
def test_onward_movement_is_what_the_rules_are_tagged_with(chain: Chain) -> None:
    assert stage(chain.id, "onward") <= set(CONTENT.rules.tagged("gatewatch.onward"))
    assert {"lateral-logon", "file-transfer", "port-forward"} <= stage(chain.id, "onward")


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_only_what_can_be_guessed_completes_a_guess(chain: Chain) -> None:
    guessing = {it.name for it in chain.stages} & {"guess", "names", "spread"}
    if guessing:
        assert chain.anchor.rules == ("guessable-success",)
        assert str(chain.severity[chain.anchor.name]) == "high"


def test_severities_rise_with_the_stages() -> None:
    for chain in CHAINS.values():
        levels = [chain.severity[it.name].rank for it in chain.stages if it.name in chain.severity]
        assert levels == sorted(levels)


def test_attack_data_name_their_source() -> None:
    data = attack()
    assert "MITRE" in data.notice
    assert data.version == "18.1"
    assert (data.strategy.id, data.technique.id) == ("DET0354", "T1133")
    assert [analytic.id for analytic in data.strategy.analytics] == ["AN1004", "AN1005", "AN1006", "AN1007"]
    assert {mitigation.id for mitigation in data.mitigations} == {"M1021", "M1030", "M1032", "M1035", "M1042"}


def test_mutable_elements_are_tunables() -> None:
    fields = {it.field for analytic in attack().strategy.analytics for it in analytic.mutable}
    assert fields <= {name for name, tunable in BY_NAME.items() if tunable.attack}


def test_techniques_of_rules_have_names() -> None:
    tags = {tag for rule in CONTENT.rules.rules for tag in rule.tags if tag.startswith("attack.t")}
    missing = {tag.removeprefix("attack.").upper() for tag in tags} - set(attack().techniques)
    assert not missing

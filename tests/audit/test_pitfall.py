"""The sixteen pitfalls of the catalogue (mitigations.md, section 8), each a test that fails where it is not handled."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from gatewatch.audit.check import Check, Ground, Need
from gatewatch.audit.checks import web_proxy
from gatewatch.audit.registry import CHECKS
from gatewatch.audit.run import run
from gatewatch.engines import posture
from gatewatch.schema.facts.base import Facts
from gatewatch.schema.facts.machine import Listener
from gatewatch.schema.findings import Finding, Remediation, Status
from gatewatch.schema.incidents import Severity
from gatewatch.schema.measure import Measure
from gatewatch.site.load import load_site
from gatewatch.site.model import Site

TODAY = date(2026, 6, 1)
CATALOGUE = Path(__file__).parents[3] / "shared" / "reference" / "mitigations.md"


class Judge:
    """Audits files written in place, and looks findings up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def __call__(self, files: Mapping[str, object], check: str, *, subject: str = "", host: str = "", site: str = "") -> Status:
        """Return the worst status of a check over *files* (text, or what becomes JSON), of what *subject* and *host* name."""
        order = (Status.ERROR, Status.FAIL, Status.UNKNOWN, Status.MANUAL, Status.PASS, Status.NOT_APPLICABLE)
        found = [one for one in self.findings(files, site) if one.check == check and (subject in one.subject) and host in {"", one.host}]
        return min((one.status for one in found), key=order.index)

    def findings(self, files: Mapping[str, object], site: str = "") -> list[Finding]:
        self.count += 1
        root = self.folder / str(self.count)
        for name, text in files.items():
            path = root / "evidence" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
        made = Site.default()
        if site:
            (root / "gatewatch.toml").write_text(site, encoding="utf-8")
            made = load_site(root / "gatewatch.toml")
        return list(posture.audit([str(root / "evidence")], made, TODAY).findings)


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Judge(tmp_path)


def group(*rules: dict[str, object], name: str = "g") -> dict[str, object]:
    return {"SecurityGroups": [{"GroupId": "sg-1", "GroupName": name, "VpcId": "vpc-1", "IpPermissions": list(rules), "IpPermissionsEgress": []}]}


def permission(port: int, *blocks: str, **more: object) -> dict[str, object]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": one} for one in blocks], "Ipv6Ranges": [],
            "UserIdGroupPairs": [], "PrefixListIds": [], **more}  # fmt: skip


def test_p01_a_split_internet_is_the_internet_and_a_shadowed_one_is_not(judge: Judge) -> None:
    name = "acct/commands/sg.json"
    assert judge({name: group(permission(22, "0.0.0.0/1", "128.0.0.0/1"))}, "M1030.3-01") is Status.FAIL
    halves = group(permission(22, *(f"{first}.0.0.0/8" for first in range(1, 224) if first not in {10, 127})))
    assert judge({name: halves}, "M1030.3-01") is Status.FAIL
    assert judge({name: group(permission(22, "10.0.0.0/8"))}, "M1030.3-01") is Status.PASS
    rules = "*filter\n:INPUT DROP [0:0]\n{}-A INPUT -p tcp --dport 3389 -j ACCEPT\nCOMMIT\n"
    socket = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\ntcp LISTEN 0 5 0.0.0.0:3389 0.0.0.0:*\n"
    for shadow, wanted in (("", Status.FAIL), ("-A INPUT -p tcp --dport 3389 -j DROP\n", Status.PASS)):
        closed = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
        files = {"h/commands/iptables-save.txt": rules.format(shadow), "h/commands/ip6tables-save.txt": closed, "h/commands/ss.txt": socket}
        assert judge(files, "M1030.5-02", subject="rdp") is wanted


def test_p02_a_rule_for_the_group_itself_hides_no_other_and_a_prefix_list_is_no_pass(judge: Judge) -> None:
    own = permission(22, UserIdGroupPairs=[{"GroupId": "sg-1", "UserId": "1"}])
    assert judge({"a/commands/sg.json": group(own, permission(22, "0.0.0.0/0"))}, "M1030.3-01") is Status.FAIL
    mixed = permission(22, "0.0.0.0/0", PrefixListIds=[{"PrefixListId": "pl-1"}])
    assert judge({"a/commands/sg.json": group(mixed)}, "M1030.3-01") is Status.FAIL
    assert judge({"a/commands/sg.json": group(permission(22, PrefixListIds=[{"PrefixListId": "pl-1"}]))}, "M1030.3-01") is Status.UNKNOWN
    assert judge({"a/commands/sg.json": group(own)}, "M1030.3-01") is Status.PASS


def test_p03_kubelet_without_a_configuration_file_has_the_old_defaults(judge: Judge) -> None:
    config = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
    without = {"n/commands/ps.txt": "COMMAND\n/usr/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf\n"}
    beside = {"n/commands/ps.txt": "COMMAND\n/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml\n", "n/var/lib/kubelet/config.yaml": config}
    for check in ("M1035.1-05a", "M1035.1-05b", "M1042.2-06b"):
        assert judge(without, check) is Status.FAIL
        assert judge(beside, check) is Status.PASS


def test_p04_anonymous_requests_are_told_by_the_structured_configuration_too(judge: Judge) -> None:
    pod = ("apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\nspec:\n  containers:\n  - name: kube-apiserver\n"
           "    command: [kube-apiserver, --authentication-config=/etc/kubernetes/authn.yaml, '--authorization-mode=Node,RBAC']\n")  # fmt: skip
    head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous:\n"
    for more, wanted in (
        ("  enabled: true\n  conditions: [{path: /livez}, {path: /readyz}]\n", Status.PASS),
        ("  enabled: false\n", Status.PASS),
        ("  enabled: true\n", Status.FAIL),
        ("  enabled: true\n  conditions: [{path: /api}]\n", Status.FAIL),
    ):
        files = {"c/etc/kubernetes/manifests/kube-apiserver.yaml": pod, "c/etc/kubernetes/authn.yaml": head + more}
        assert judge(files, "M1035.1-04a") is wanted


SOCKET = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\ntcp LISTEN 0 5 0.0.0.0:22 0.0.0.0:*\n"


def ruleset(*objects: dict[str, object]) -> str:
    return json.dumps({"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, *objects]})


def base(name: str, policy: str, priority: int = 0) -> dict[str, object]:
    return {"chain": {"family": "inet", "table": "f", "name": name, "type": "filter", "hook": "input", "prio": priority, "policy": policy}}


def nft_rule(chain: str, *expr: dict[str, object]) -> dict[str, object]:
    return {"rule": {"family": "inet", "table": "f", "chain": chain, "expr": list(expr)}}


PORT_22 = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}


def test_p05_an_opaque_match_of_iptables_is_a_doubt(judge: Judge) -> None:
    opaque = ruleset(base("input", "drop"), nft_rule("input", {"xt": {"type": "match", "name": "multiport"}}, {"accept": None}))
    clear = ruleset(base("input", "drop"), nft_rule("input", PORT_22, {"accept": None}))
    for text, wanted in ((opaque, Status.UNKNOWN), (clear, Status.FAIL)):
        assert judge({"h/commands/nft.json": text, "h/commands/ss.txt": SOCKET}, "M1030.5-02", subject="ssh") is wanted


def test_p06_an_accept_of_nftables_is_final_for_its_chain_only(judge: Judge) -> None:
    first = (base("first", "accept", -10), nft_rule("first", PORT_22, {"accept": None}))
    for policy, wanted in (("drop", Status.PASS), ("accept", Status.FAIL)):
        files = {"h/commands/nft.json": ruleset(*first, base("second", policy, 10)), "h/commands/ss.txt": SOCKET}
        assert judge(files, "M1030.5-02", subject="ssh") is wanted


CSP = "Content-Security-Policy \"default-src 'self'; frame-ancestors 'none'\""


def test_p07_a_header_of_a_block_takes_away_those_around_it_and_errors_need_always(judge: Judge) -> None:
    server = "server {{ listen 443 ssl; server_name a; add_header {} always; location /app {{ {} root /srv; }} }}\n"
    for inner, wanted in (("", Status.PASS), ("add_header X-Robots-Tag none;", Status.FAIL)):
        files = {"w/etc/nginx/nginx.conf": "http { " + server.format(CSP, inner) + "}\n"}
        assert judge(files, "M1021.3-01", subject="a /app") is wanted
    apache = "<VirtualHost *:443>\nServerName a\nSSLEngine on\nHeader {}set {}\n</VirtualHost>\n"
    for word, wanted in (("always ", Status.PASS), ("", Status.FAIL)):
        assert judge({"w/etc/apache2/sites-enabled/a.conf": apache.format(word, CSP)}, "M1021.3-01") is wanted


def policy(**change: object) -> dict[str, object]:
    made: dict[str, object] = {
        "id": "p", "displayName": "MFA", "state": "enabled",
        "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"]},
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
    }  # fmt: skip
    return {**made, **change}


def conditions(**change: object) -> dict[str, object]:
    return {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"], **change}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, Status.PASS),
        ({"grantControls": {"operator": "OR", "builtInControls": ["mfa", "compliantDevice"]}}, Status.FAIL),
        ({"grantControls": {"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]}}, Status.PASS),
        ({"state": "enabledForReportingButNotEnforced"}, Status.FAIL),
        ({"conditions": conditions(users={"includeUsers": ["All"], "excludeGroups": ["g1"]})}, Status.FAIL),
        ({"conditions": conditions(applications={"includeApplications": ["All"], "excludeApplications": ["a1"]})}, Status.FAIL),
        ({"conditions": conditions(clientAppTypes=["browser"])}, Status.FAIL),
        ({"conditions": conditions(locations={"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]})}, Status.FAIL),
    ],
)
def test_p08_conditional_access_counts_what_it_leaves_out(judge: Judge, change: dict[str, object], wanted: Status) -> None:
    assert judge({"t/commands/ca.json": {"value": [policy(**change)]}}, "M1032.1-01") is wanted


def test_p09_sshd_takes_the_first_value_and_asks_pam_for_passwords_by_another_name(judge: Judge) -> None:
    drop = {"h/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\n",
            "h/etc/ssh/sshd_config.d/50.conf": "PermitRootLogin yes\n"}  # fmt: skip
    assert judge(drop, "M1035.1-01a") is Status.FAIL
    assert judge({"h/etc/ssh/sshd_config": "PermitRootLogin no\nPermitRootLogin yes\n"}, "M1035.1-01a") is Status.PASS
    text = "PermitRootLogin no\nMatch Address 192.0.2.0/24\n  PermitRootLogin yes\n"
    assert judge({"h/etc/ssh/sshd_config": text}, "M1035.1-01a", subject="sshd, Match") is Status.FAIL
    files = {"h/etc/ssh/sshd_config": "PubkeyAuthentication no\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM yes\n",
             "h/etc/pam.d/sshd": "auth required pam_unix.so\n"}  # fmt: skip
    found = [one for one in judge.findings(files) if one.check == "M1032.2-01"]
    assert [(one.status, "keyboard-interactive" in one.message) for one in found] == [(Status.FAIL, True)]


@pytest.mark.parametrize(
    ("stack", "wanted"),
    [
        ("auth required pam_unix.so\nauth required pam_google_authenticator.so\n", Status.PASS),
        ("auth required pam_unix.so\nauth required pam_google_authenticator.so nullok\n", Status.FAIL),
        ("auth sufficient pam_unix.so\nauth required pam_google_authenticator.so\n", Status.FAIL),
        ("auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_google_authenticator.so\nauth required pam_permit.so\n", Status.FAIL),
        ("auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_google_authenticator.so\n", Status.PASS),
    ],
)
def test_p10_a_second_factor_that_can_be_left_out_is_none(judge: Judge, stack: str, wanted: Status) -> None:
    config = "UsePAM yes\nPubkeyAuthentication no\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n"
    assert judge({"h/etc/ssh/sshd_config": config, "h/etc/pam.d/sshd": stack}, "M1032.2-01") is wanted


def test_p11_squid_is_told_to_deny_domains_before_addresses(judge: Judge) -> None:
    """An address list above makes Squid resolve every name first; either order refuses, so both pass."""
    snippet = next(one.remediation.snippet for one in web_proxy.CHECKS if one.id == "M1021.1-01c")
    assert snippet.index("http_access deny tor\n") < snippet.index("http_access deny tor_nodes")
    acls = "acl tor dstdomain .onion .onion.to .onion.ws .onion.ly .onion.pet .tor2web.org .torproject.org\n"
    acls += "acl nodes dst 192.0.2.0/24\nacl lan src 10.0.0.0/8\n"
    for order in (("tor", "nodes"), ("nodes", "tor")):
        text = acls + "".join(f"http_access deny {name}\n" for name in order) + "http_access allow lan\nhttp_access deny all\n"
        assert judge({"p/etc/squid/squid.conf": text}, "M1021.1-01a") is Status.PASS


_POLICY = """config firewall policy
    edit 1
        set srcintf ssl.root
        set dstintf internal
        set action accept
        set srcaddr all
        set dstaddr all
        set service ALL
        set {} {}
    next
end
"""


def test_p12_what_a_device_leaves_out_is_its_default_by_version(judge: Judge) -> None:
    head = "#config-version=FGT60F-7.2.5-FW-build1:opmode=0:vdom=0:user=admin\nconfig system global\n    set hostname fw\nend\n"
    head += "config vpn ssl settings\n    set servercert Fortinet\n    set source-interface wan1\n"
    said = "    set login-attempt-limit 2\n    set ssl-min-proto-ver tls1-2\n    set auth-timeout 28800\n"
    told = []
    for more in ("", said):
        findings = judge.findings({"fw/fgt.conf": head + more + "end\n" + _POLICY.format("groups", "staff")})
        told.append({(one.subject, one.status) for one in findings if one.check == "M1035.2-06"})
    assert told[0] == told[1]
    assert ("login-attempt-limit", Status.PASS) in told[0]
    begin, end = _ASA + "tunnel-group staff type remote-access\n", "tunnel-group staff webvpn-attributes\n authentication aaa\n: end\n"
    for more in ("", "tunnel-group staff general-attributes\n authentication-server-group LOCAL\n"):  # which is the default
        assert judge({"e/running-config.txt": begin + more + end}, "M1032.2-06", subject="staff") is Status.FAIL


_ASA = "ASA Version 9.16(4)\nhostname edge\nwebvpn\n enable outside\n anyconnect enable\n"


def test_p13_numbers_of_other_catalogues_carry_the_version_they_are_of() -> None:
    named = [mapping for check in CHECKS for mapping in check.mappings]
    assert [one for one in named if not one.version and not re.search(r"V-\d+", one.item)] == []
    assert {one.catalogue.split()[0] for one in named} >= {"NIST", "CIS", "STIG"}


RULE = {"DisplayName": "x", "Direction": "Inbound", "Enabled": "True", "Profile": "Any", "PolicyStoreSourceType": "Local", "Protocol": "TCP",
        "LocalPort": "3389", "RemotePort": "Any", "LocalAddress": "Any", "RemoteAddress": "Any", "Program": "Any"}  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "merge", "wanted"),
    [
        ([{"Action": "Allow"}], 1, Status.FAIL),
        ([{"Action": "Allow"}, {"Action": "Block"}], 1, Status.PASS),
        ([{"Action": "Allow"}], 0, Status.PASS),
        ([{"Action": "Allow", "PolicyStoreSourceType": "GroupPolicy"}], 0, Status.FAIL),
        ([{"Action": "Allow", "RemoteAddress": "LocalSubnet"}], 1, Status.PASS),
        ([{"Action": "Allow", "Profile": "Domain"}], 1, Status.PASS),
    ],
)
def test_p14_windows_blocks_before_it_allows_and_knows_where_rules_hold(
    judge: Judge, rules: list[dict[str, object]], merge: int, wanted: Status
) -> None:
    profiles = [{"Name": name, "Enabled": 1, "DefaultInboundAction": 4, "AllowLocalFirewallRules": merge} for name in ("Domain", "Private", "Public")]
    files = {
        "s/commands/profiles.json": profiles,
        "s/commands/rules.json": [{**RULE, **one} for one in rules],
        "s/commands/networks.json": [{"Name": "n", "InterfaceAlias": "e", "NetworkCategory": 0, "IPv4Connectivity": 4}],
        "s/commands/addresses.json": [{"IPAddress": "10.9.0.50", "PrefixLength": 24}],
    }
    site = '[audit]\nmanagement = ["10.9.0.0/24"]\n'
    assert judge(files, "M1030.5-07c", subject="tcp/3389", site=site) is wanted


def test_p15_a_criterion_that_says_nothing_is_an_error() -> None:
    facts = Facts()
    facts.add([Listener(host="a", address="*", port=22)])
    silent = Check(
        id="M1030.5-98", title="t", about="a", measures=(Measure.FIREWALL,), severity=Severity.HIGH, needs=(Need((Listener,), "ss"),),
        judge=lambda _facts, _ground: iter(()), remediation=Remediation("r"), mappings=(),
    )  # fmt: skip
    assert [one.status for one in run(facts, Ground(Site.default(), TODAY), [silent])] == [Status.ERROR]


_FORTI = """#config-version=FGT60F-7.2.5-FW-build1:opmode=0:vdom=0:user=admin
config system global
    set hostname fw
end
config user local
    edit ann
        set type password
        set two-factor fortitoken
    next
    edit bob
        set type password
    next
end
config user group
    edit staff
        set member ann
    next
end
config vpn ssl settings
    set source-interface wan1
    set default-portal full
    config authentication-rule
        edit 1
            set groups staff
            set portal full
        next
    end
end
"""


def test_p16_groups_nobody_wrote_down_let_people_in_too(judge: Judge) -> None:
    asa = _ASA + "tunnel-group staff type remote-access\n: end\n"
    shown = {one.subject: one.status for one in judge.findings({"e/running-config.txt": asa}) if one.check == "M1042.2-07a"}
    assert shown["DefaultWEBVPNGroup"] is Status.FAIL
    assert judge({"fw/fgt.conf": _FORTI + _POLICY.format("groups", "staff")}, "M1032.2-07") is Status.PASS
    forti = _FORTI + _POLICY.format("users", "bob")  # who comes in by the default portal, for no rule names him
    assert judge({"fw/fgt.conf": forti}, "M1032.2-07") is Status.FAIL
    openvpn = "dev tun\nserver 10.8.0.0 255.255.255.0\nca ca.crt\ncert s.crt\nkey s.key\n{}"
    for more, wanted in (("duplicate-cn\n", Status.FAIL), ("", Status.PASS)):
        files = {"v/etc/openvpn/server.conf": openvpn.format(more)}
        assert judge(files, "M1035.2-03", subject="server duplicate-cn") is wanted


def test_every_pitfall_has_its_test() -> None:
    here = {int(found[1]) for name in vars(sys.modules[__name__]) if (found := re.match(r"test_p(\d\d)_", name))}
    assert here == set(range(1, 17))


@pytest.mark.skipif(not CATALOGUE.is_file(), reason="the catalogue is not beside the project")
def test_the_catalogue_names_no_other_pitfall() -> None:
    text = CATALOGUE.read_text(encoding="utf-8")
    section = text[text.index("## 8. Pitfalls") :]
    assert [int(number) for number in re.findall(r"\*\*P(\d+)\*\*", section)] == list(range(1, 17))

"""Barriers: each measure with the moves it would have met and the checks that tell whether it was there.

``checks``: the ids of checks, ``*`` for any rest, whose findings on the host of the move decide. ``filtered``: the packet filters decide as
well, asked for this very connection. ``shared``: the findings of other hosts decide as well. ``evidence``: speak of it only where a finding does
(a cloud, a pfSense the site may not have). A measure that no observed event can meet is in :data:`APART`, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gatewatch.audit import meeting as met
from gatewatch.audit.meeting import Meeting
from gatewatch.schema.measure import Measure

_DOORS = "the configuration of the service or gateway: sshd -T and /etc/pam.d, or the device's export"
_RULES = "the rules of every packet filter on the way: nft list ruleset, iptables-save, the firewall's export"
_SOCKETS = "sudo ss -lntup (Windows: netstat -abno), and [assets] in gatewatch.toml"
_CLUSTER = "the kubelet's and API server's configuration, docker's daemon.json; kubectl get all RBAC objects as JSON"
_WINDOWS = "the registry exports and policies of the host, as docs/how-to/audit-your-site.md lists"
_PROXY = "the configuration of the web proxy, of the resolvers and of the filters in front of the internet"


class Shared(Enum):
    """Whether a measure stands elsewhere than on the host of the move: a tenant or gateway, if there is but one, or any proxy or resolver."""

    NO = 0
    ONE = 1
    ANY = 2


@dataclass(frozen=True, slots=True)
class Barrier:
    """A measure before a kind of move."""

    measure: Measure
    meets: Meeting
    checks: tuple[str, ...]
    collect: str
    filtered: bool = False
    evidence: bool = False
    shared: Shared = Shared.NO


BARRIERS: tuple[Barrier, ...] = (
    Barrier(Measure.AUTH_METHOD, met.factors, ("M1032.2-*",), _DOORS),
    Barrier(Measure.MFA_TOOL, met.gateway_factors, ("M1035.10-01", "M1035.10-02"), _DOORS),
    Barrier(Measure.MFA_TOOL, met.administered, ("M1035.10-03",), _DOORS, evidence=True),
    Barrier(Measure.IAM, met.identity, ("M1032.1-0[1-6]*",), "policies and users of the identity provider, as JSON", shared=Shared.ONE),
    Barrier(Measure.LEGACY_AUTH, met.legacy, ("M1032.3-03",), _SOCKETS),
    Barrier(Measure.AUTH_ALERT, met.told, ("M1032.4-0[123]*",), "the identity provider's log settings and limits", shared=Shared.ONE),
    Barrier(Measure.TRAINING, met.trained, ("M1032.5-*",), "[[attested]] topic = 'training' in gatewatch.toml"),
    Barrier(
        Measure.FIREWALL,
        met.filtered,
        ("M1030.5-02", "M1030.5-03", "M1030.5-04", "M1030.5-05a", "M1030.5-06*", "M1030.5-07a"),
        _RULES,
        filtered=True,
    ),
    Barrier(Measure.DMZ, met.demilitarized, ("M1030.2-01", "M1030.2-02"), f"{_RULES}; zones and assets in gatewatch.toml"),
    Barrier(Measure.DMZ, met.administered, ("M1030.2-03",), _DOORS, evidence=True),
    Barrier(Measure.CRITICAL_SYSTEMS, met.critical, ("M1030.1-01", "M1030.1-02"), f"{_RULES}; critical assets in gatewatch.toml"),
    Barrier(Measure.CRITICAL_SYSTEMS, met.over_six, ("M1030.1-05",), f"{_RULES}; ip6tables-save"),
    Barrier(Measure.CLOUD_SEGMENTATION, met.filtered, ("M1030.3-*",), "the cloud's groups and routes as JSON", evidence=True),
    Barrier(Measure.MICROSEGMENTATION, met.microsegmented, ("M1030.4-*",), _RULES, filtered=True),
    Barrier(Measure.SEGMENT_AUDIT, met.denials, ("M1030.6-*",), _RULES),
    Barrier(Measure.SEGMENT_TEST, met.tested, ("M1030.7-01", "M1030.7-04", "M1030.7-06"), "gatewatch probe-plan, run from each zone"),
    Barrier(Measure.ISOLATION, met.isolated, ("M1035.4-*",), _RULES),
    Barrier(Measure.SEGMENTATION_TOOL, met.filtered, ("M1035.9-*",), "config.xml of pfSense or OPNsense", evidence=True),
    Barrier(Measure.REMOTE_ACCESS, met.concentrated, ("M1035.2-01", "M1035.2-10"), f"{_RULES}; [audit] concentrators", filtered=True),
    Barrier(Measure.REMOTE_ACCESS, met.attempts("vpn"), ("M1035.2-05", "M1035.2-06"), "the gateway's configuration"),
    Barrier(Measure.REMOTE_ACCESS, met.listed("rdgateway"), ("M1035.2-02*",), "the gateway's policies (CAP and RAP)"),
    Barrier(Measure.REMOTE_ACCESS_TOOL, met.listed("rdp", "ssh", "vnc", "web"), ("M1035.8-*",), "settings of guacamole or tailscale", evidence=True),
    Barrier(Measure.ACCESS_AUDIT, met.root_password, ("M1035.1-01a", "M1035.1-01b"), _DOORS),
    Barrier(Measure.ACCESS_AUDIT, met.host_based, ("M1035.1-01c",), _DOORS),
    Barrier(Measure.ACCESS_AUDIT, met.listed("ssh"), ("M1035.1-01d",), _DOORS),
    Barrier(Measure.ACCESS_AUDIT, met.listed("rdp"), ("M1035.1-02*",), _WINDOWS),
    Barrier(Measure.ACCESS_AUDIT, met.unauthenticated("kube_api"), ("M1035.1-03*", "M1035.1-04*"), _CLUSTER),
    Barrier(Measure.ACCESS_AUDIT, met.unauthenticated("kubelet"), ("M1035.1-05*",), _CLUSTER),
    Barrier(Measure.ACCESS_AUDIT, met.vpn_group, ("M1035.1-06*",), "the VPN gateway's groups and filters", shared=Shared.ONE),
    Barrier(Measure.NETWORK_SERVICE, met.unneeded, ("M1035.3-*", "M1042.4-01"), _SOCKETS),
    Barrier(Measure.ACCESS_LOG, met.logged, ("M1035.5-*",), "rsyslog or journald forwarding, audit policy of the host"),
    Barrier(Measure.FILE_SHARE, met.shared, ("M1035.6-*",), "testparm -s, or Get-SmbShareAccess as JSON"),
    Barrier(Measure.HARDENING, met.network_level, ("M1035.7-01*",), _WINDOWS),
    Barrier(Measure.HARDENING, met.winrm_basic, ("M1035.7-02*",), _WINDOWS),
    Barrier(Measure.HARDENING, met.restricted_admin, ("M1035.7-08d",), _WINDOWS),
    Barrier(Measure.HARDENING, met.token_filter, ("M1035.7-08b",), _WINDOWS),
    Barrier(Measure.HARDENING, met.attempts("ssh"), ("M1035.7-03a",), _DOORS),
    Barrier(Measure.HARDENING, met.attempts(), ("M1035.7-06*",), "lock-out settings: faillock.conf, fail2ban, account policy, the gateway's export"),
    Barrier(Measure.HARDENING, met.unauthenticated("docker_api"), ("M1035.7-04*",), _CLUSTER),
    Barrier(Measure.UNUSED_FEATURE, met.onward_forward, ("M1042.2-03",), _DOORS),
    Barrier(Measure.UNUSED_FEATURE, met.service_off("rdp"), ("M1042.2-01*",), _WINDOWS),
    Barrier(Measure.UNUSED_FEATURE, met.service_off("telnet"), ("M1042.2-07b",), "the device's configuration"),
    Barrier(Measure.UNUSED_FEATURE, met.service_off("winrm"), ("M1042.2-02*",), _WINDOWS),
    Barrier(Measure.UNUSED_FEATURE, met.service_off("vnc"), ("M1042.2-04*", "M1042.2-05*"), "launchctl print-disabled system"),
    Barrier(Measure.UNUSED_FEATURE, met.unauthenticated("docker_api", "kubelet", "kube_api"), ("M1042.2-06*",), _CLUSTER),
    Barrier(Measure.UNNECESSARY_SERVICE, met.unneeded, ("M1042.4-*",), _SOCKETS),
    Barrier(Measure.LEGACY_SOFTWARE, met.patched, ("M1042.1-02*", "M1042.1-03*"), "the gateway's configuration with its version"),
    Barrier(Measure.USER_SOFTWARE, met.user_software, ("M1042.3-*",), "the list of installed software, services and tasks of the host"),
    Barrier(Measure.PLUGIN, met.portal, ("M1042.5-0[245]*",), "the gateway's configuration"),
    Barrier(Measure.WEB_PROXY, met.tor_blocked, ("M1021.1-*",), _PROXY, shared=Shared.ANY),
    Barrier(Measure.DNS_FILTER, met.dns_blocked, ("M1021.2-*",), _PROXY, shared=Shared.ANY),
    Barrier(Measure.BROWSER, met.browser, ("M1021.4-*",), "the browser policies of the host"),
    Barrier(Measure.WEB_ALERT, met.web_alerts, ("M1021.5-*",), _PROXY, shared=Shared.ANY),
)

APART: dict[Measure, str] = {
    Measure.CSP: "a content security policy protects who visits a portal; what it stops leaves no event among those observed",
}
"""Measures that meet no observed event, and why."""

ASIDE: dict[str, str] = {
    "M1021.3-*": "what a content security policy stops leaves no event among those observed",
    "M1030.1-03": "an access list of a switch is asked for by reach",
    "M1030.1-04": "what the site declares, not what is in force",
    "M1030.2-0[45]": "what leaves the DMZ, and what a scan finds, meets no move by itself",
    "M1030.5-01*": "a default decides only where no rule does; reach asks for the connection itself",
    "M1030.5-05b": "the administration of a gateway is another door than its users come by",
    "M1030.5-07[bc]": "who else than management is let in; reach asks for the connection itself",
    "M1030.5-08*": "a rule that never decides cuts nothing; of what is open, reach asks for the connection itself",
    "M1030.7-0[2357]": "tests of the evidence, not of a way in",
    "M1032.1-0[789]": "which local account was let in, and by what, is told by the incident's own reasons",
    "M1032.3-01*": "how a RADIUS server fails, and whether its answers could be forged, no event says",
    "M1032.3-04": "with which key somebody logged in, the finding cannot say",
    "M1032.4-04": "who registered a second factor; what is asked for at the door is held against the move (M1032.1, M1032.2)",
    "M1042.5-0[13]": "what a browser or sshd loads leaves no event among those observed",
    "M1035.1-07*": "accounts nobody uses: whether the intruder's was one is told by the incident's own reasons",
    "M1035.2-0[34789]": "how sound the tunnel is; nothing observed depends on it",
    "M1035.7-05*": "how sound the encryption is; nothing observed depends on it",
    "M1035.7-08[acef]": "hashes and remembered passwords: whether one was used, no event says",
    "M1042.1-01*": "old programs: which of them was used, no event says",
    "M1042.1-0[45]*": "old protocols: whether one was used, no event says",
    "M1042.2-07a": "built-in tunnel groups, judged with the factors of every door (M1035.10-01)",
    "M1042.2-08*": "features of a gateway nobody was seen to use",
    "M1042.2-09*": "Remote Assistance leaves no event among those observed",
}
"""Checks that are held against no move, and why."""

EFFORT: dict[Measure, int] = {
    Measure.WEB_PROXY: 4,
    Measure.DNS_FILTER: 3,
    Measure.CSP: 2,
    Measure.BROWSER: 2,
    Measure.WEB_ALERT: 3,
    Measure.CRITICAL_SYSTEMS: 5,
    Measure.DMZ: 5,
    Measure.CLOUD_SEGMENTATION: 3,
    Measure.MICROSEGMENTATION: 5,
    Measure.FIREWALL: 2,
    Measure.SEGMENT_AUDIT: 2,
    Measure.SEGMENT_TEST: 2,
    Measure.IAM: 3,
    Measure.AUTH_METHOD: 3,
    Measure.LEGACY_AUTH: 4,
    Measure.AUTH_ALERT: 2,
    Measure.TRAINING: 3,
    Measure.ACCESS_AUDIT: 2,
    Measure.REMOTE_ACCESS: 4,
    Measure.NETWORK_SERVICE: 1,
    Measure.ISOLATION: 4,
    Measure.ACCESS_LOG: 2,
    Measure.FILE_SHARE: 2,
    Measure.HARDENING: 1,
    Measure.REMOTE_ACCESS_TOOL: 3,
    Measure.SEGMENTATION_TOOL: 2,
    Measure.MFA_TOOL: 3,
    Measure.LEGACY_SOFTWARE: 3,
    Measure.UNUSED_FEATURE: 1,
    Measure.USER_SOFTWARE: 4,
    Measure.UNNECESSARY_SERVICE: 1,
    Measure.PLUGIN: 1,
}
"""What a measure costs a site, from 1 (a setting) to 5 (a project): our judgement, used only to rank sets of equal size."""

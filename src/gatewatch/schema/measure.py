"""Measures: the five mitigations ATT&CK lists for T1133, each with the measures its description names.

Source: ATT&CK v18, mitigations M1021, M1030, M1032, M1035 and M1042 and their relationships to T1133; titles are ATT&CK's own words.
"""

from __future__ import annotations

from enum import StrEnum


class Mitigation(StrEnum):
    """A mitigation of T1133."""

    M1021 = "M1021"
    M1030 = "M1030"
    M1032 = "M1032"
    M1035 = "M1035"
    M1042 = "M1042"

    @property
    def label(self) -> str:
        """ATT&CK's name of the mitigation."""
        return _MITIGATIONS[self][0]

    @property
    def sentence(self) -> str:
        """What ATT&CK says of the mitigation for T1133."""
        return _MITIGATIONS[self][1]


_MITIGATIONS: dict[Mitigation, tuple[str, str]] = {
    Mitigation.M1021: ("Restrict Web-Based Content", "Restrict all traffic to and from public Tor nodes."),
    Mitigation.M1030: (
        "Network Segmentation",
        "Deny direct remote access to internal systems through the use of network proxies, gateways, and firewalls.",
    ),
    Mitigation.M1032: ("Multi-factor Authentication", "Use strong two-factor or multi-factor authentication for remote service accounts."),
    Mitigation.M1035: (
        "Limit Access to Resource Over Network",
        "Limit access to remote services through centrally managed concentrators such as VPNs and other managed remote access systems.",
    ),
    Mitigation.M1042: (
        "Disable or Remove Feature or Program",
        "Disable or block remotely available services that may be unnecessary.",
    ),
}


class Measure(StrEnum):
    """A measure of a mitigation, in ATT&CK's order; the value is the mitigation, a dot and the measure's number."""

    WEB_PROXY = "M1021.1"
    DNS_FILTER = "M1021.2"
    CSP = "M1021.3"
    BROWSER = "M1021.4"
    WEB_ALERT = "M1021.5"
    CRITICAL_SYSTEMS = "M1030.1"
    DMZ = "M1030.2"
    CLOUD_SEGMENTATION = "M1030.3"
    MICROSEGMENTATION = "M1030.4"
    FIREWALL = "M1030.5"
    SEGMENT_AUDIT = "M1030.6"
    SEGMENT_TEST = "M1030.7"
    IAM = "M1032.1"
    AUTH_METHOD = "M1032.2"
    LEGACY_AUTH = "M1032.3"
    AUTH_ALERT = "M1032.4"
    TRAINING = "M1032.5"
    ACCESS_AUDIT = "M1035.1"
    REMOTE_ACCESS = "M1035.2"
    NETWORK_SERVICE = "M1035.3"
    ISOLATION = "M1035.4"
    ACCESS_LOG = "M1035.5"
    FILE_SHARE = "M1035.6"
    HARDENING = "M1035.7"
    REMOTE_ACCESS_TOOL = "M1035.8"
    SEGMENTATION_TOOL = "M1035.9"
    MFA_TOOL = "M1035.10"
    LEGACY_SOFTWARE = "M1042.1"
    UNUSED_FEATURE = "M1042.2"
    USER_SOFTWARE = "M1042.3"
    UNNECESSARY_SERVICE = "M1042.4"
    PLUGIN = "M1042.5"

    @property
    def mitigation(self) -> Mitigation:
        """The mitigation it belongs to."""
        return Mitigation(self.value.partition(".")[0])

    @property
    def label(self) -> str:
        """ATT&CK's name of the measure."""
        return _MEASURES[self]


_MEASURES: dict[Measure, str] = {
    Measure.WEB_PROXY: "Deploy Web Proxy Filtering",
    Measure.DNS_FILTER: "Enable DNS-Based Filtering",
    Measure.CSP: "Enforce Content Security Policies (CSP)",
    Measure.BROWSER: "Control Browser Features",
    Measure.WEB_ALERT: "Monitor and Alert on Web-Based Threats",
    Measure.CRITICAL_SYSTEMS: "Segment Critical Systems",
    Measure.DMZ: "Implement DMZ for Public-Facing Services",
    Measure.CLOUD_SEGMENTATION: "Use Cloud-Based Segmentation",
    Measure.MICROSEGMENTATION: "Apply Microsegmentation for Workloads",
    Measure.FIREWALL: "Restrict Traffic with ACLs and Firewalls",
    Measure.SEGMENT_AUDIT: "Monitor and Audit Segmented Networks",
    Measure.SEGMENT_TEST: "Test Segmentation Effectiveness",
    Measure.IAM: "Identity and Access Management (IAM)",
    Measure.AUTH_METHOD: "Authentication Tools and Methods",
    Measure.LEGACY_AUTH: "Secure Legacy Systems",
    Measure.AUTH_ALERT: "Monitoring and Alerting",
    Measure.TRAINING: "Training and Policy Enforcement",
    Measure.ACCESS_AUDIT: "Audit and Restrict Access",
    Measure.REMOTE_ACCESS: "Deploy Secure Remote Access Solutions",
    Measure.NETWORK_SERVICE: "Disable Unnecessary Services",
    Measure.ISOLATION: "Network Segmentation and Isolation",
    Measure.ACCESS_LOG: "Monitor and Log Access",
    Measure.FILE_SHARE: "Tools: File Share Management",
    Measure.HARDENING: "Tools: Service and Protocol Hardening",
    Measure.REMOTE_ACCESS_TOOL: "Tools: Secure Remote Access",
    Measure.SEGMENTATION_TOOL: "Tools: Network Segmentation",
    Measure.MFA_TOOL: "Tools: Multi-factor Authentication",
    Measure.LEGACY_SOFTWARE: "Remove Legacy Software",
    Measure.UNUSED_FEATURE: "Disable Unused Features",
    Measure.USER_SOFTWARE: "Control Applications Installed by Users",
    Measure.UNNECESSARY_SERVICE: "Remove Unnecessary Services",
    Measure.PLUGIN: "Restrict Add-ons and Plugins",
}

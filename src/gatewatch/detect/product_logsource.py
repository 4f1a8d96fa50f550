"""Sigma's log sources beside Linux and Windows: which of our sources a ``product`` and ``service`` mean, and whose words its rules use.

What SigmaHQ has rules for and we do not read is not in :data:`PRODUCTS`, so that its rules are dormant: ``azure / activitylogs``, ``riskdetection``,
``pim``, ``m365 / threat_management``, ``gcp / gcp.audit``, ``cisco / aaa`` (IOS), ``zeek / http``, ``github / audit`` … The logs of several services
that one source of ours reads together (:mod:`saas-audit <gatewatch.sources.saas_audit>`) belong to no product: a rule is never asked about another's.

Of a vendor's record our events keep what they are made of and a few words in ``extra``; :data:`WORDS` says where the field names of SigmaHQ's rules
are found. A field that an event does not keep is null, so that a rule which needs it does not match.

References: https://sigmahq.io/docs/basics/log-sources.html; https://github.com/SigmaHQ/sigma/tree/master/rules (cloud, identity, network, macos)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sigma.rule import SigmaLogSource

from gatewatch.detect.field_map import GENERIC, PROCESS, SUDO, Field, FieldMap, at_keys
from gatewatch.detect.predicate import FALSE, Among, Predicate, every
from gatewatch.schema.events import Kind

MACOS = ("macos-auth", "macos-firewall", "macos-pf", "macos-screensharing", "macos-sshd", "macos-sudo", "macos-system")
FIREWALL = ("aws-vpc-flow", "fortigate", "cisco-asa", "macos-pf", "netfilter", "panos", "suricata", "windows-firewall-log")
_ZEEK: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "conn": ("conn", "conn-rejected", "conn-unanswered", "flow-volume"),
        "kerberos": ("kerberos-as", "kerberos-bad-password", "kerberos-refused", "kerberos-tgs", "kerberos-unknown-user"),
        "notice": ("notice-interesting-host", "notice-login-by-guesser", "notice-password-guessing", "notice-watched-country"),
        "ntlm": ("ntlm", "ntlm-failed"),
        "rdp": ("rdp",),
        "rfb": ("rfb", "rfb-authenticated", "rfb-failed"),
        "ssh": ("ssh",),
    }
)
"""Zeek's logs and the patterns of their events: one source reads them all."""

PRODUCTS: Mapping[tuple[str, str | None], tuple[str, ...]] = MappingProxyType(
    {
        ("auth0", "auth0"): ("auth0",),
        ("aws", "cloudtrail"): ("cloudtrail",),
        ("azure", "auditlogs"): ("entra-audit",),
        ("azure", "signinlogs"): ("entra-signin",),
        ("cisco", "asa"): ("cisco-asa",),
        ("cisco", "ftd"): ("cisco-asa",),
        ("cisco", "duo"): ("duo",),
        ("duo", "duo"): ("duo",),
        ("fortigate", None): ("fortigate",),
        ("fortigate", "event"): ("fortigate",),
        ("fortios", None): ("fortigate",),
        ("fortios", "event"): ("fortigate",),
        ("fortios", "sslvpnd"): ("fortigate",),
        ("kubernetes", "audit"): ("kubernetes-audit",),
        ("m365", "audit"): ("m365",),
        ("m365", "exchange"): ("m365",),
        ("macos", None): MACOS,
        ("macos", "auth"): ("macos-auth",),
        ("macos", "pf"): ("macos-pf",),
        ("macos", "screensharingd"): ("macos-screensharing",),
        ("macos", "sshd"): ("macos-sshd",),
        ("macos", "sudo"): ("macos-sudo",),
        ("okta", None): ("okta",),
        ("okta", "okta"): ("okta",),
        ("onelogin", "onelogin.events"): ("onelogin",),
        ("paloalto", None): ("panos", "panos-json"),
        ("paloalto", "globalprotect"): ("panos", "panos-json"),
        ("paloalto", "system"): ("panos",),
        ("suricata", None): ("suricata",),
        ("teleport", None): ("teleport",),
        ("teleport", "audit"): ("teleport",),
    }
)
"""``product`` and ``service`` (None: a rule names none) and the names of our sources."""

_APPLIANCE = frozenset({"application", "appliance", "authentication", "vpn"})
"""Categories that SigmaHQ writes beside a product, which say no more than that does."""


def _words(**names: str) -> Mapping[str, Field]:
    return MappingProxyType({sigma.replace("__", "."): at_keys(sigma.replace("__", "."), key) for sigma, key in names.items()})


WORDS: Mapping[str, Mapping[str, Field]] = MappingProxyType(
    {
        "okta": _words(eventtype="eventType", eventType="eventType", outcome__result="result"),
        "aws": _words(userIdentity__arn="arn", userIdentity__type="identityType", additionalEventData__MFAUsed="mfaUsed"),
        "azure": _words(
            ResultType="errorCode", ResourceDisplayName="resourceDisplayName", AuthenticationRequirement="authenticationRequirement",
            DeviceDetail__operatingSystem="operatingSystem", OperationName="activityDisplayName", operationName="activityDisplayName",
            properties__message="activityDisplayName", ActivityDisplayName="activityDisplayName", LoggedByService="loggedByService", Result="result",
        ),
        "m365": _words(Operation="operation", operation="operation", eventName="operation", Workload="workload", ResultStatus="resultStatus"),
        "kubernetes": _words(objectRef__resource="resource", responseStatus__code="code"),
    }
)  # fmt: skip
"""Field names of SigmaHQ's rules that stand in ``extra`` under another, per product."""

_COLUMNS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "okta": {"client.ipaddress": "src_ip", "client.ipAddress": "src_ip", "actor.alternateid": "user", "actor.alternateId": "user"},
        "aws": {"sourceIPAddress": "src_ip", "userIdentity.userName": "user"},
        "azure": {"UserPrincipalName": "user", "userPrincipalName": "user", "IPAddress": "src_ip", "ipAddress": "src_ip"},
        "m365": {"UserId": "user", "ClientIP": "src_ip"},
        "kubernetes": {"user.username": "user", "sourceIPs": "src_ip"},
        "zeek": {"id.orig_h": "src_ip", "id.orig_p": "src_port", "id.resp_h": "dst_ip", "id.resp_p": "dst_port"},
        "fortigate": {"remip": "src_ip", "srcip": "src_ip", "dstip": "dst_ip", "dstport": "dst_port"},
    }
)


def covered(logsource: SigmaLogSource) -> Predicate:
    """Return which events *logsource* covers; ``FALSE`` where no source of ours reads such a log."""
    product, category, service = logsource.product, logsource.category, logsource.service
    if product is None:
        return Among("source", frozenset(FIREWALL)) if category == "firewall" and service is None else FALSE
    if product == "macos" and category == "process_creation" and service is None:
        return every([Among("source", frozenset(MACOS)), Among("kind", frozenset({Kind.EXEC.value}))])
    if category == "firewall" and service is None:
        sources = [name for name in PRODUCTS.get((product, None), ()) if name in FIREWALL]
        return Among("source", frozenset(sources)) if sources else FALSE
    if category is not None and category not in _APPLIANCE:
        return FALSE
    if product == "zeek":
        patterns = _ZEEK.get(service or "")
        return every([Among("source", frozenset({"zeek"})), Among("pattern", frozenset(patterns))]) if patterns else FALSE
    found = PRODUCTS.get((product, service))
    return Among("source", frozenset(found)) if found else FALSE


def fields_of(logsource: SigmaLogSource) -> FieldMap:
    """Return where the fields of rules for *logsource* are found."""
    product = "fortigate" if logsource.product == "fortios" else logsource.product or ""
    names = PROCESS if logsource.category == "process_creation" else SUDO if logsource.service == "sudo" else GENERIC
    return FieldMap({**names, **_COLUMNS.get(product, {})}, fields=WORDS.get(product, {}))

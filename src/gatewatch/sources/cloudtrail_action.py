"""What calls of the AWS API change that lets people in, keeps them in or hides them, and what of their parameters names the object.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/ (names of actions are names of events).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.schema.events import Kind
from gatewatch.sources.document import said

REMOTE_PORTS = (22, 23, 135, 139, 445, 2375, 2376, 3389, 5900, 5901, 5985, 5986, 6443, 10250)
_INSIDE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10")))


def record_names(request: Mapping[str, Any]) -> str | None:
    """Return the first name that a change of a zone creates or points elsewhere; None where it only deletes."""
    batch = mapping_of(request.get("changeBatch"))
    listed = batch.get("changes")
    for change in listed if isinstance(listed, list) else []:
        told = mapping_of(change)
        record = mapping_of(told.get("resourceRecordSet"))
        name = said(record.get("name"))
        if name is not None and said(told.get("action")) in {"UPSERT", "CREATE"} and said(record.get("type")) in {"A", "AAAA", "CNAME", "NS"}:
            return name.removesuffix(".").lower()
    return None


@dataclass(frozen=True, slots=True)
class Deed:
    """What a call is: its kind and pattern; ``target``: the parameter with the account acted on; ``object``: those that may name the object."""

    kind: Kind
    pattern: str
    target: str = ""
    object: tuple[str, ...] = ()


def _deeds(kind: Kind, target: str, object_: tuple[str, ...], **names: tuple[str, ...]) -> dict[str, Deed]:
    return {event: Deed(kind, pattern.replace("_", "-"), target, object_) for pattern, events in names.items() for event in events}


DEEDS: dict[str, Deed] = {
    **_deeds(
        Kind.ACCOUNT_CHANGE,
        "userName",
        ("policyArn", "groupName", "policyName", "accessKeyId", "sSHPublicKeyId", "serialNumber", "serviceName"),
        user_created=("CreateUser",),
        user_deleted=("DeleteUser",),
        access_key_created=("CreateAccessKey", "CreateServiceSpecificCredential"),
        access_key_changed=("UpdateAccessKey", "DeleteAccessKey"),
        console_password_created=("CreateLoginProfile",),
        password_changed_by_other=("UpdateLoginProfile",),
        password_changed=("ChangePassword",),
        login_profile_deleted=("DeleteLoginProfile",),
        group_member_added=("AddUserToGroup",),
        group_member_removed=("RemoveUserFromGroup",),
        policy_attached=("AttachUserPolicy", "PutUserPolicy", "DeleteUserPermissionsBoundary"),
        mfa_method_added=("EnableMFADevice", "CreateVirtualMFADevice"),
        mfa_method_removed=("DeactivateMFADevice", "DeleteVirtualMFADevice"),
        ssh_key_added=("UploadSSHPublicKey",),
        certificate_added=("UploadSigningCertificate",),
    ),
    **_deeds(
        Kind.ACCOUNT_CHANGE,
        "",
        ("roleName", "groupName", "policyName", "policyArn", "keyName", "principalArn"),
        role_created=("CreateRole",),
        role_trust_changed=("UpdateAssumeRolePolicy",),
        policy_attached=(
            "AttachRolePolicy",
            "PutRolePolicy",
            "AttachGroupPolicy",
            "PutGroupPolicy",
            "CreatePolicyVersion",
            "SetDefaultPolicyVersion",
        ),
        key_pair_created=("CreateKeyPair", "ImportKeyPair"),
        cluster_access_granted=("CreateAccessEntry", "AssociateAccessPolicy"),
        account_assignment_created=("CreateAccountAssignment",),
    ),
    **_deeds(
        Kind.CONFIG_CHANGE,
        "",
        ("name", "trailName", "samlProviderArn", "sAMLProviderArn", "url", "detectorId", "configurationRecorderName", "flowLogIds", "instanceId"),
        logging_stopped=(
            *("StopLogging", "DeleteTrail", "DeleteEventDataStore", "StopEventDataStoreIngestion", "DeleteFlowLogs", "StopConfigurationRecorder"),
            *("DeleteConfigurationRecorder", "DeleteDeliveryChannel", "DeleteDetector", "DisassociateFromMasterAccount", "DisableSecurityHub"),
        ),
        logging_changed=("UpdateTrail", "PutEventSelectors", "UpdateDetector", "DeleteLogGroup", "DeleteLogStream", "DisableAlarmActions"),
        federation_changed=("CreateSAMLProvider", "UpdateSAMLProvider", "CreateOpenIDConnectProvider", "UpdateOpenIDConnectProviderThumbprint"),
        password_policy_changed=("UpdateAccountPasswordPolicy", "DeleteAccountPasswordPolicy"),
        serial_console_enabled=("EnableSerialConsoleAccess",),
        user_data_changed=("ModifyInstanceAttribute",),
        vpn_changed=("CreateClientVpnEndpoint", "AuthorizeClientVpnIngress", "CreateVpnConnection", "ImportClientVpnClientCertificateRevocationList"),
        gateway_created=("CreateInstanceConnectEndpoint", "CreateVpcPeeringConnection", "AttachInternetGateway"),
        cluster_endpoint_changed=("UpdateClusterConfig",),
        dns_record_changed=("ChangeResourceRecordSets",),
    ),
}
SECURITY_GROUP = {
    "AuthorizeSecurityGroupIngress": "security-group-changed",
    "ModifySecurityGroupRules": "security-group-changed",
    "RevokeSecurityGroupIngress": "security-group-closed",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What a rule of a security group lets in: from where, to which ports (all: 0 to 65535)."""

    source: str
    first: int
    last: int
    protocol: str

    @property
    def remote(self) -> bool:
        """Whether it lets somebody outside reach a port of remote access."""
        if self.protocol not in {"tcp", "6", "-1", "all", "udp", "17"}:
            return False
        return not _is_inside(self.source) and any(self.first <= port <= self.last for port in REMOTE_PORTS)

    def __str__(self) -> str:
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.source} {self.protocol}/{ports}"


def openings(given: Mapping[str, Any]) -> list[Opening]:
    """Return what the parameters of a change of a security group let in."""
    found = list(_openings(given))
    for rule in [*_items(given.get("ipPermissions")), *_items(mapping_of(given.get("ModifySecurityGroupRulesRequest")).get("SecurityGroupRule"))]:
        found += _openings(mapping_of(rule.get("SecurityGroupRule")) or rule)
    return found


def _openings(rule: Mapping[str, Any]) -> Iterator[Opening]:
    folded = {key[:1].lower() + key[1:]: value for key, value in rule.items() if key}
    protocol = str(folded.get("ipProtocol", "-1")).lower()
    first, last = _port(folded.get("fromPort"), 0), _port(folded.get("toPort"), 65535)
    if protocol in {"-1", "all"} or first < 0:
        first, last = 0, 65535
    sources = [folded.get("cidrIp"), folded.get("cidrIpv4"), folded.get("cidrIpv6")]
    sources += [one.get("cidrIp") for one in _items(folded.get("ipRanges"))] + [one.get("cidrIpv6") for one in _items(folded.get("ipv6Ranges"))]
    for source in sources:
        if (text := said(source)) is not None:
            yield Opening(text, first, last, protocol)


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return *value* where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list, be it bare, in ``{"items": […]}`` or alone."""
    if isinstance(value, dict):
        value = value.get("items", [value])
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _port(value: Any, default: int) -> int:
    if value.__class__ is str and value.lstrip("-").isdecimal() and len(value) < 7:
        value = int(value)
    return value if value.__class__ is int else default


def _is_inside(source: str) -> bool:
    try:
        network = ipaddress.ip_network(source, strict=False)
    except ValueError:
        return False
    return any(network.version == inside.version and network.subnet_of(inside) for inside in _INSIDE)  # type: ignore[arg-type]

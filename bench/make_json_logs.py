"""Write large, deterministic logs of JSON records: identity providers, a cluster's persons, OCSF and ECS.

Records are as long as the products write them; users, addresses, browsers, outcomes and identifiers vary, and users and addresses repeat as those
of an organisation do. One in five is a failure, one in twenty was stopped by a second factor or a policy.
"""

from __future__ import annotations

import argparse
import json
import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 3, 1, tzinfo=UTC)
USERS = [f"user{i:04d}@corp.example" for i in range(2000)]
ADDRESSES = [f"{net}.{i}" for net in ("198.51.100", "203.0.113", "192.0.2", "10.4.0", "10.4.1") for i in range(1, 255)]
AGENTS = [f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{i}.0.0.0 Safari/537.36" for i in range(100, 140)]
APPS = ["Office 365 Exchange Online", "Azure Portal", "Microsoft Teams", "SharePoint Online", "VPN"]


class Draw:
    """What varies from record to record."""

    def __init__(self, rng: random.Random, number: int) -> None:
        self.rng = rng
        self.time = START + timedelta(milliseconds=1700 * number + rng.randint(0, 900))
        self.user = USERS[int(len(USERS) * rng.random() ** 2)]
        self.address = ADDRESSES[int(len(ADDRESSES) * rng.random() ** 2)]
        self.agent = rng.choice(AGENTS)
        self.app = rng.choice(APPS)
        roll = rng.random()
        self.outcome = "failure" if roll < 0.2 else "stopped" if roll < 0.25 else "success"

    @property
    def id(self) -> str:
        """A new identifier."""
        return str(uuid.UUID(int=self.rng.getrandbits(128)))

    def stamp(self, form: str = "%Y-%m-%dT%H:%M:%S.%f") -> str:
        """The time as text."""
        return self.time.strftime(form)


def _entra(draw: Draw) -> dict[str, Any]:
    code = {"failure": 50126, "stopped": 50074, "success": 0}[draw.outcome]
    interactive = draw.rng.random() < 0.5
    return {
        "id": draw.id,
        "createdDateTime": draw.stamp("%Y-%m-%dT%H:%M:%SZ"),
        "userDisplayName": draw.user.partition("@")[0].title(),
        "userPrincipalName": draw.user,
        "userId": draw.id,
        "appId": draw.id,
        "appDisplayName": draw.app,
        "ipAddress": draw.address,
        "ipAddressFromResourceProvider": None,
        "clientAppUsed": "Browser",
        "userAgent": draw.agent,
        "correlationId": draw.id,
        "conditionalAccessStatus": "success" if not code else "notApplied",
        "originalRequestId": "",
        "isInteractive": interactive,
        "tokenIssuerName": "",
        "tokenIssuerType": "AzureAD",
        "processingTimeInMilliseconds": 217,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes_v2": [],
        "resourceDisplayName": draw.app,
        "resourceId": draw.id,
        "resourceTenantId": draw.id,
        "homeTenantId": draw.id,
        "authenticationMethodsUsed": [],
        "authenticationRequirement": "multiFactorAuthentication" if draw.rng.random() < 0.6 else "singleFactorAuthentication",
        "authenticationProtocol": "none",
        "incomingTokenType": "none",
        "crossTenantAccessType": "none",
        "signInEventTypes": ["interactiveUser" if interactive else "nonInteractiveUser"],
        "uniqueTokenIdentifier": draw.id,
        "sessionId": draw.id,
        "status": {"errorCode": code, "failureReason": "Other." if not code else "Error validating credentials.", "additionalDetails": None},
        "deviceDetail": {
            "deviceId": draw.id,
            "displayName": "WS-1",
            "operatingSystem": "Windows10",
            "browser": "Chrome 120.0.0",
            "isCompliant": True,
            "isManaged": True,
            "trustType": "Azure AD joined",
        },
        "location": {"city": "Example", "state": "Example", "countryOrRegion": "DE", "geoCoordinates": {"latitude": 50.1, "longitude": 8.6}},
        "appliedConditionalAccessPolicies": [
            {"id": draw.id, "displayName": f"Policy {n}", "enforcedGrantControls": ["Mfa"], "enforcedSessionControls": [], "result": "notApplied"}
            for n in range(4)
        ],
        "authenticationDetails": [
            {
                "authenticationStepDateTime": draw.stamp("%Y-%m-%dT%H:%M:%SZ"),
                "authenticationMethod": "Password",
                "authenticationMethodDetail": "Password Hash Sync",
                "succeeded": code != 50126,
                "authenticationStepRequirement": "Primary authentication",
            },
        ],
        "networkLocationDetails": [],
        "autonomousSystemNumber": 64500,
    }


def _okta(draw: Draw) -> dict[str, Any]:
    event = (
        "user.session.start"
        if draw.rng.random() < 0.4
        else draw.rng.choice(
            [
                "user.authentication.sso",
                "user.authentication.auth_via_mfa",
                "policy.evaluate_sign_on",
                "user.authentication.verify",
                "app.user_management",
            ]
        )
    )
    failed = draw.outcome == "failure"
    client = {
        "userAgent": {"rawUserAgent": draw.agent, "os": "Windows 10", "browser": "CHROME"},
        "zone": "null",
        "device": "Computer",
        "id": None,
        "ipAddress": draw.address,
        "geographicalContext": {
            "city": "Example",
            "state": "Example",
            "country": "Germany",
            "postalCode": "60311",
            "geolocation": {"lat": 50.1, "lon": 8.6},
        },
    }
    return {
        "actor": {"id": "00u" + draw.id[:17], "type": "User", "alternateId": draw.user, "displayName": draw.user, "detailEntry": None},
        "client": client,
        "device": None,
        "authenticationContext": {
            "authenticationProvider": None,
            "credentialProvider": None,
            "credentialType": None,
            "issuer": None,
            "interface": None,
            "authenticationStep": 0,
            "rootSessionId": draw.id,
            "externalSessionId": draw.id,
        },
        "displayMessage": "User login to Okta",
        "eventType": event,
        "outcome": {"result": "FAILURE" if failed else "SUCCESS", "reason": "INVALID_CREDENTIALS" if failed else None},
        "published": draw.stamp("%Y-%m-%dT%H:%M:%S.123Z"),
        "securityContext": {"asNumber": 64500, "asOrg": "example", "isp": "example", "domain": "example.net", "isProxy": False},
        "severity": "INFO",
        "debugContext": {
            "debugData": {
                "requestId": draw.id,
                "dtHash": draw.id * 2,
                "requestUri": "/idp/idx/identify",
                "threatSuspected": "false",
                "url": "/idp/idx/identify?",
                "risk": "{level=LOW}",
                "behaviors": "{New Geo-Location=NEGATIVE, New Device=NEGATIVE, New IP=NEGATIVE, New State=NEGATIVE}",
            }
        },
        "legacyEventType": "core.user_auth.login_success",
        "transaction": {"type": "WEB", "id": draw.id, "detail": {}},
        "uuid": draw.id,
        "version": "0",
        "request": {"ipChain": [{"ip": draw.address, "geographicalContext": client["geographicalContext"], "version": "V4", "source": None}]},
        "target": [{"id": "0ua" + draw.id[:17], "type": "AppInstance", "alternateId": draw.app, "displayName": draw.app, "detailEntry": None}],
    }


def _m365(draw: Draw) -> dict[str, Any]:
    bad = draw.outcome == "failure"
    return {
        "CreationTime": draw.stamp("%Y-%m-%dT%H:%M:%S"),
        "Id": draw.id,
        "Operation": "UserLoginFailed" if bad else draw.rng.choice(["UserLoggedIn", "UserLoggedIn", "MailItemsAccessed", "FileAccessed"]),
        "OrganizationId": draw.id,
        "RecordType": 15,
        "ResultStatus": "Failed" if bad else "Success",
        "UserKey": draw.id,
        "UserType": 0,
        "Version": 1,
        "Workload": "AzureActiveDirectory",
        "ClientIP": draw.address,
        "ObjectId": draw.id,
        "UserId": draw.user,
        "AzureActiveDirectoryEventType": 1,
        "ExtendedProperties": [
            {"Name": "ResultStatusDetail", "Value": "Success"},
            {"Name": "UserAgent", "Value": draw.agent},
            {"Name": "RequestType", "Value": draw.rng.choice(["OAuth2:Authorize", "Login:login", "OAuth2:Token"])},
        ],
        "ModifiedProperties": [],
        "Actor": [{"ID": draw.id, "Type": 0}, {"ID": draw.user, "Type": 5}],
        "ActorContextId": draw.id,
        "ActorIpAddress": draw.address,
        "InterSystemsId": draw.id,
        "IntraSystemId": draw.id,
        "SupportTicketId": "",
        "Target": [{"ID": draw.id, "Type": 0}],
        "TargetContextId": draw.id,
        "ApplicationId": draw.id,
        "DeviceProperties": [
            {"Name": "OS", "Value": "Windows 10"},
            {"Name": "BrowserType", "Value": "Chrome"},
            {"Name": "SessionId", "Value": draw.id},
        ],
        "ErrorNumber": "50126" if bad else "0",
    } | ({"LogonError": "InvalidUserNameOrPassword"} if bad else {})


def _cloudtrail(draw: Draw) -> dict[str, Any]:
    name, source = draw.rng.choice(
        [("DescribeInstances", "ec2"), ("GetObject", "s3"), ("AssumeRole", "sts"), ("ConsoleLogin", "signin"), ("ConsoleLogin", "signin")]
    )
    who = draw.user.partition("@")[0]
    login = name == "ConsoleLogin"
    return {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDA" + draw.id[:16].upper(),
            "arn": f"arn:aws:iam::111122223333:user/{who}",
            "accountId": "111122223333",
            "accessKeyId": "ASIA" + draw.id[:16].upper(),
            "userName": who,
            "sessionContext": {"attributes": {"creationDate": draw.stamp("%Y-%m-%dT%H:%M:%SZ"), "mfaAuthenticated": "false"}},
        },
        "eventTime": draw.stamp("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": draw.address,
        "userAgent": draw.agent,
        "requestParameters": None if login else {"instancesSet": {}, "filterSet": {}},
        "responseElements": {"ConsoleLogin": "Failure" if draw.outcome == "failure" else "Success"} if login else None,
        "additionalEventData": {"LoginTo": "https://console.aws.amazon.com/console/home?state=hashArgs", "MobileVersion": "No", "MFAUsed": "No"},
        "requestID": draw.id,
        "eventID": draw.id,
        "readOnly": not login,
        "eventType": "AwsConsoleSignIn" if login else "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": "signin.aws.amazon.com"},
    }


def _duo(draw: Draw) -> dict[str, Any]:
    result = {"failure": ("denied", "no_response"), "stopped": ("denied", "location_restricted"), "success": ("success", "user_approved")}[
        draw.outcome
    ]
    return {
        "access_device": {
            "browser": "Chrome",
            "browser_version": "120.0.0",
            "epkey": draw.id[:20],
            "flash_version": "uninstalled",
            "hostname": None,
            "ip": draw.address,
            "is_encryption_enabled": "unknown",
            "is_firewall_enabled": "unknown",
            "is_password_set": "unknown",
            "java_version": "uninstalled",
            "location": {"city": "Example", "country": "Germany", "state": "Example"},
            "os": "Windows",
            "os_version": "10",
            "security_agents": [],
        },
        "adaptive_trust_assessments": {},
        "alias": "",
        "application": {"key": draw.id[:20], "name": draw.app},
        "auth_device": {
            "ip": draw.address,
            "key": draw.id[:20],
            "location": {"city": "Example", "country": "Germany", "state": "Example"},
            "name": "phone (555-0100)",
        },
        "email": draw.user,
        "event_type": "authentication",
        "factor": "duo_push",
        "isotimestamp": draw.stamp("%Y-%m-%dT%H:%M:%S.%f+00:00"),
        "ood_software": "",
        "reason": result[1],
        "result": result[0],
        "timestamp": int(draw.time.timestamp()),
        "trusted_endpoint_status": "not trusted",
        "txid": draw.id,
        "user": {"groups": ["Users (from AD sync)"], "key": draw.id[:20], "name": draw.user},
    }


def _kubernetes(draw: Draw) -> dict[str, Any]:
    verb, resource, sub = draw.rng.choice(
        [
            ("get", "pods", None),
            ("list", "pods", None),
            ("get", "deployments", None),
            ("watch", "services", None),
            ("create", "pods", "exec"),
            ("get", "secrets", None),
            ("patch", "configmaps", None),
        ]
    )
    name = f"web-{draw.rng.randint(1, 999)}"
    code = 403 if draw.outcome == "failure" else 200
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": draw.id,
        "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/shop/{resource}/{name}" + (f"/{sub}?command=id&stdin=true" if sub else ""),
        "verb": verb,
        "user": {
            "username": draw.user,
            "uid": draw.id,
            "groups": ["developers", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": ["X509SHA256=" + "0f" * 32]},
        },
        "sourceIPs": [draw.address],
        "userAgent": "kubectl/v1.31.0 (linux/amd64) kubernetes/9edcffc",
        "objectRef": {"resource": resource, "namespace": "shop", "name": name, "apiVersion": "v1"} | ({"subresource": sub} if sub else {}),
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": draw.stamp("%Y-%m-%dT%H:%M:%S.%fZ"),
        "stageTimestamp": draw.stamp("%Y-%m-%dT%H:%M:%S.%fZ"),
        "annotations": {
            "authorization.k8s.io/decision": "allow" if code == 200 else "forbid",
            "authorization.k8s.io/reason": 'RBAC: allowed by RoleBinding "dev/shop" of Role "dev" to Group "developers"',
        },
    }


def _ocsf(draw: Draw) -> dict[str, Any]:
    failed = draw.outcome == "failure"
    return {
        "activity_id": 1,
        "activity_name": "Logon",
        "category_name": "Identity & Access Management",
        "category_uid": 3,
        "class_name": "Authentication",
        "class_uid": 3002,
        "type_uid": 300201,
        "type_name": "Authentication: Logon",
        "severity": "Informational",
        "severity_id": 1,
        "status": "Failure" if failed else "Success",
        "status_id": 2 if failed else 1,
        "status_detail": "bad password" if failed else None,
        "time": int(draw.time.timestamp() * 1000),
        "is_mfa": False,
        "auth_protocol": "Other",
        "auth_protocol_id": 99,
        "user": {"name": draw.user, "uid": draw.id, "type": "User", "account": {"uid": "111122223333", "type_id": 10}},
        "actor": {"user": {"name": draw.user, "uid": draw.id}},
        "src_endpoint": {"ip": draw.address, "port": 50022, "location": {"city": "Example", "country": "DE"}},
        "dst_endpoint": {"hostname": "gate01", "svc_name": "sshd"},
        "service": {"name": "ssh"},
        "session": {"uid": draw.id},
        "http_request": {"user_agent": draw.agent},
        "metadata": {
            "version": "1.3.0",
            "uid": draw.id,
            "product": {"name": "Gate", "vendor_name": "Example", "feature": {"name": "auth"}},
            "profiles": ["cloud", "datetime"],
            "logged_time": int(draw.time.timestamp() * 1000),
        },
        "observables": [{"name": "src_endpoint.ip", "type": "IP Address", "type_id": 2, "value": draw.address}],
    }


def _ecs(draw: Draw) -> dict[str, Any]:
    failed = draw.outcome == "failure"
    return {
        "@timestamp": draw.stamp("%Y-%m-%dT%H:%M:%S.123Z"),
        "agent": {"ephemeral_id": draw.id, "id": draw.id, "name": "gate01", "type": "filebeat", "version": "8.17.0"},
        "ecs": {"version": "8.11.0"},
        "event": {
            "action": "ssh_login",
            "category": ["authentication"],
            "dataset": "system.auth",
            "ingested": draw.stamp("%Y-%m-%dT%H:%M:%SZ"),
            "kind": "event",
            "module": "system",
            "outcome": "failure" if failed else "success",
            "type": ["info"],
            "timezone": "+00:00",
        },
        "fileset": {"name": "auth"},
        "host": {
            "architecture": "x86_64",
            "containerized": False,
            "hostname": "gate01",
            "id": "0" * 32,
            "ip": ["10.4.0.9", "2001:db8::9"],
            "mac": ["00-00-5E-00-53-01"],
            "name": "gate01",
            "os": {
                "codename": "bookworm",
                "family": "debian",
                "kernel": "6.1.0",
                "name": "Debian",
                "platform": "debian",
                "type": "linux",
                "version": "12",
            },
        },
        "input": {"type": "log"},
        "log": {"file": {"path": "/var/log/auth.log"}, "offset": draw.rng.randint(0, 10**7)},
        "message": f"{'Failed' if failed else 'Accepted'} password for {draw.user} from {draw.address} port 50022 ssh2",
        "process": {"name": "sshd", "pid": draw.rng.randint(1000, 60000)},
        "related": {"hosts": ["gate01"], "ip": [draw.address], "user": [draw.user]},
        "service": {"type": "system"},
        "source": {"ip": draw.address, "port": 50022, "geo": {"country_iso_code": "DE", "city_name": "Example"}},
        "system": {"auth": {"ssh": {"event": "Failed" if failed else "Accepted", "method": "password"}}},
        "user": {"name": draw.user},
    }


FORMATS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "entra": _entra,
    "okta": _okta,
    "m365": _m365,
    "cloudtrail": _cloudtrail,
    "duo": _duo,
    "kubernetes": _kubernetes,
    "ocsf": _ocsf,
    "ecs": _ecs,
}


def lines(name: str, size: int, seed: int) -> Iterator[str]:
    """Yield lines of the format *name*, about *size* bytes; the same arguments give the same lines."""
    rng = random.Random(f"{name} {seed}")
    made = number = 0
    while made < size:
        line = json.dumps(FORMATS[name](Draw(rng, number)), separators=(",", ":")) + "\n"
        made += len(line)
        number += 1
        yield line


def main() -> int:
    """Write a file for each format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("megabytes", type=int, nargs="?", default=100, help="of each file")
    parser.add_argument("seed", type=int, nargs="?", default=1)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name in FORMATS:
        with (given.folder / f"{name}.jsonl").open("w", encoding="ascii") as handle:
            handle.writelines(lines(name, given.megabytes * 1_000_000, given.seed))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

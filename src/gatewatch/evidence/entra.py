"""Entra ID: Conditional Access policies, named locations, users, and the policy of authentication methods, as Microsoft Graph gives them.

::

    {"value": [{"displayName": "MFA for all", "state": "enabled", "conditions": {"users": {"includeUsers": ["All"], "excludeUsers": []},
      "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"]}, "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}}]}

Reference: Microsoft Graph "conditionalAccessPolicy", "namedLocation", "authenticationMethodsPolicy".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.kube_config import at, texts
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.cloud import ConditionalPolicy, DirectoryName, Grant, MethodSettings, NamedLocation, Scope
from gatewatch.schema.facts.machine import Machine, System

_KNOWN = frozenset({
    "users", "applications", "clientAppTypes", "locations", "platforms", "devices", "signInRiskLevels", "userRiskLevels", "authenticationFlows",
    "clientApplications", "servicePrincipalRiskLevels", "insiderRiskLevels", "deviceStates", "times", "agentIdRiskLevels",
})  # fmt: skip


def _recognise(document: Document) -> int:
    text = document.text[:200_000]
    if document.head.lstrip()[:1] not in {"{", "["}:
        return 0
    if ('"grantControls"' in text and '"conditions"' in text) or ('"GrantControls"' in text and '"Conditions"' in text):
        return SURE
    if '"authenticationMethodConfigurations"' in text or ("NamedLocation" in text and ('"displayName"' in text or '"DisplayName"' in text)):
        return SURE
    if '"UserPrincipalName"' in text and '"AssignedLicenses"' in text:  # Get-MgUser
        return SURE - 10
    return SURE - 10 if "graph.microsoft.com" in document.head and '"userPrincipalName"' in text and "#users" in document.head else 0


def graph_names(tree: Any, depth: int = 0) -> Any:
    """Return *tree* with the names Microsoft Graph uses, where PowerShell (``Get-MgIdentityConditionalAccessPolicy``) wrote its own.

    >>> graph_names({"State": "enabled", "AdditionalProperties": {"isTrusted": True}})
    {'state': 'enabled', 'isTrusted': True}
    """
    if depth > 20:
        return tree
    if isinstance(tree, list):
        return [graph_names(one, depth + 1) for one in tree]
    if not isinstance(tree, dict):
        return tree
    made: dict[str, Any] = {}
    for name, value in tree.items():
        if name == "AdditionalProperties" and isinstance(value, dict):
            made.update(value)
        else:
            made[f"{name[:1].lower()}{name[1:]}"] = graph_names(value, depth + 1)
    return made


def _guests(tree: Any) -> tuple[str, ...]:
    return ("guests",) if isinstance(tree, dict) and any(tree.values()) else ()


def _policy(document: Document, pointer: str, tree: dict[str, Any], bundle: Bundle) -> ConditionalPolicy:
    asked = tree.get("conditions")
    asked = asked if isinstance(asked, dict) else {}
    controls = tree.get("grantControls")
    strength = at(controls, "authenticationStrength")
    flows = at(asked, "authenticationFlows.transferMethods")
    device = at(asked, "devices.deviceFilter")
    narrow = [name for name in ("servicePrincipalRiskLevels", "insiderRiskLevels", "deviceStates", "times", "agentIdRiskLevels", "clientApplications")
              if asked.get(name)]  # fmt: skip
    if isinstance(device, dict) and device.get("mode") == "include":
        narrow.append("deviceFilter")
    combinations = texts(at(strength, "allowedCombinations"))
    named = isinstance(strength, dict) and any(value for value in strength.values())  # PowerShell writes one of nulls where there is none
    missing = ["authenticationStrength without its combinations"] if named and not combinations else []
    return ConditionalPolicy(
        host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, f"{tree.get('displayName')}: {tree.get('state')}"),),
        name=str(tree.get("displayName") or tree.get("id")), state=str(tree.get("state")),
        users=Scope(texts(at(asked, "users.includeUsers")), texts(at(asked, "users.excludeUsers"))),
        groups=Scope(texts(at(asked, "users.includeGroups")), texts(at(asked, "users.excludeGroups"))),
        roles=Scope(texts(at(asked, "users.includeRoles")), texts(at(asked, "users.excludeRoles"))),
        guests=Scope(_guests(at(asked, "users.includeGuestsOrExternalUsers")), _guests(at(asked, "users.excludeGuestsOrExternalUsers"))),
        applications=Scope(texts(at(asked, "applications.includeApplications")), texts(at(asked, "applications.excludeApplications"))),
        clients=texts(asked.get("clientAppTypes")),
        locations=Scope(texts(at(asked, "locations.includeLocations")), texts(at(asked, "locations.excludeLocations"))),
        platforms=Scope(texts(at(asked, "platforms.includePlatforms")), texts(at(asked, "platforms.excludePlatforms"))),
        grant=Grant(
            controls=texts(at(controls, "builtInControls")), custom=texts(at(controls, "customAuthenticationFactors")), strength=combinations,
            strength_name=str(at(strength, "displayName") or ""), every=str(at(controls, "operator") or "AND").upper() == "AND",
        ),
        actions=(*texts(at(asked, "applications.includeUserActions")), *texts(at(asked, "applications.includeAuthenticationContextClassReferences"))),
        flows=tuple(one.strip() for one in flows.split(",") if one.strip() and one.strip() != "none") if isinstance(flows, str) else texts(flows),
        sign_in_risk=texts(asked.get("signInRiskLevels")), user_risk=texts(asked.get("userRiskLevels")), narrow=tuple(narrow),
        device_excluded=str(device.get("rule") or "") if isinstance(device, dict) and device.get("mode") == "exclude" else "",
        unknown=tuple(sorted(f"condition {name}" for name, value in asked.items() if name not in _KNOWN and value and "@" not in name))
        + tuple(missing),
    )  # fmt: skip


def _methods(document: Document, tree: dict[str, Any], bundle: Bundle) -> Iterator[Outcome]:
    values = []
    listed = tree.get("authenticationMethodConfigurations")
    for number, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, dict) and one.get("id"):
            name, state = str(one["id"]).lower(), str(one.get("state"))
            spot = document.spot(f"$.authenticationMethodConfigurations[{number}]", f"{one['id']}: {state}")
            values.append(Setting(name, state, "as the policy of authentication methods says", spot))
    enforced = tree.get("registrationEnforcement")
    campaign = enforced.get("authenticationMethodsRegistrationCampaign") if isinstance(enforced, dict) else None
    if isinstance(campaign, dict) and campaign.get("state"):
        left = [str(one.get("id")) for one in campaign.get("excludeTargets") or () if isinstance(one, dict)]
        spot = document.spot("$.registrationEnforcement.authenticationMethodsRegistrationCampaign", f"state: {campaign['state']}")
        how = f"as the policy says, without {', '.join(left[:3])}" if left else "as the policy of authentication methods says"
        values.append(Setting("registration campaign", str(campaign["state"]), how, spot))
    if not values:
        yield Ignored(document, "configures no method")
        return
    yield MethodSettings(host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), service="idp", values=tuple(values))


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        tree = graph_names(document.json())
        if tree is None:
            yield Rejected(document, document.fault)
            continue
        if isinstance(tree, dict) and "authenticationMethodConfigurations" in tree:
            yield from _methods(document, tree, bundle)
            continue
        listed = tree.get("value", [tree]) if isinstance(tree, dict) else tree
        if isinstance(tree, dict) and tree.get("@odata.nextLink"):
            yield Rejected(document, "holds one page of several (@odata.nextLink); bring all of them in one list")
            continue
        found = False
        policies = False
        for number, one in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(one, dict):
                continue
            pointer = f"$.value[{number}]"
            if "grantControls" in one or "conditions" in one:
                found = policies = True
                yield _policy(document, pointer, one, bundle)
            elif "NamedLocation" in str(one.get("@odata.type")):
                found = True
                ranges = one.get("ipRanges")
                yield NamedLocation(
                    host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, str(one.get("displayName"))),),
                    identifier=str(one.get("id")), name=str(one.get("displayName")), trusted=one.get("isTrusted") is True,
                    ranges=tuple(str(entry.get("cidrAddress")) for entry in ranges if isinstance(entry, dict)) if isinstance(ranges, list) else (),
                )  # fmt: skip
            elif one.get("userPrincipalName") and one.get("id"):
                found = True
                yield DirectoryName(
                    host=bundle.host, as_of=document.as_of, where=(document.spot(pointer, str(one["userPrincipalName"])),),
                    identifier=str(one["id"]), name=str(one["userPrincipalName"]),
                )  # fmt: skip
        if policies:
            yield Machine(host=bundle.host, as_of=document.as_of, where=(document.spot("$"),), system=System.CLOUD, product="Entra tenant")
        if not found:
            yield Ignored(document, "lists neither policies nor locations nor users")


FORMAT = Format(
    name="entra",
    title="Entra ID: Conditional Access, named locations, authentication methods",
    recognise=_recognise,
    read=_read,
    collect=(
        "az rest --url https://graph.microsoft.com/v1.0/identity/conditionalAccess/policies > EVIDENCE/TENANT/commands/ca-policies.json; likewise "
        "identity/conditionalAccess/namedLocations, policies/authenticationMethodsPolicy, users?$select=id,userPrincipalName"
    ),
    references=("Microsoft Graph: conditionalAccessPolicy",),
)

"""The Entra tenant: its Conditional Access policies and methods, as Microsoft Graph gives them.

Formats: Graph ``identity/conditionalAccess/policies`` and ``policies/authenticationMethodsPolicy``. Of Okta nothing is exported.
"""

from __future__ import annotations

import json
from typing import Any

from gatewatch.lab.address import lot
from gatewatch.lab.organisation import Host, Organisation
from gatewatch.lab.safeguard import Plan

REPORTED = "enabledForReportingButNotEnforced"
_ADMINS = ("62e90394-69f5-4237-9190-012177145e10", "e8611ab8-c189-46e8-94e1-60213ab1f814", "194ae4cb-b126-40b2-bd5b-6091b380977d",
           "29232cdf-9323-42fd-ade2-1d097af3e4de", "f28a1f50-f6e7-4571-818b-6a12f2af6b6c", "fe930be7-5e62-47db-91af-98c3a49a38b1",
           "158c047a-c907-4556-b7ef-446551a6b5f7", "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2")  # fmt: skip
_RESISTANT = {"displayName": "Phishing-resistant MFA", "allowedCombinations": ["fido2", "windowsHelloForBusiness", "x509CertificateMultiFactor"]}


def files(host: Host, organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the policies of the tenant. Where the second factor is missing, its policy is not there or only reports."""
    policies = [
        _policy("Block old clients", ["block"], clientAppTypes=["exchangeActiveSync", "other"]),
        _policy("Block device codes", ["block"], authenticationFlows={"transferMethods": "deviceCodeFlow"}),
        _policy("Block high risk", ["block"], signInRiskLevels=["high"]),
        _policy("Administrators", [], strength=_RESISTANT, users={"includeUsers": [], "excludeUsers": [], "includeRoles": list(_ADMINS)}),
    ]
    missing = plan.missing("idp-factor", host.name, "idp")
    if not missing or lot(organisation.seed, "tenant") % 2:
        policies.insert(0, _policy("Second factor for everybody", ["mfa"], state=REPORTED if missing else "enabled"))
    methods = {"Fido2": "enabled", "MicrosoftAuthenticator": "enabled", "Sms": "disabled", "Voice": "disabled", "Email": "disabled"}
    listed = [{"id": name, "state": state} for name, state in methods.items()]
    return {
        "commands/ca-policies.json": json.dumps({"value": policies}, indent=1) + "\n",
        "commands/methods.json": json.dumps({"authenticationMethodConfigurations": listed}, indent=1) + "\n",
    }


def _policy(name: str, controls: list[str], *, state: str = "enabled", strength: dict[str, Any] | None = None, **conditions: Any) -> dict[str, Any]:
    everybody = {"includeUsers": ["All"], "excludeUsers": []}
    asked = {"users": everybody, "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"]} | conditions
    grant: dict[str, Any] = {"operator": "AND" if strength else "OR", "builtInControls": controls}
    if strength:
        grant["authenticationStrength"] = strength
    return {"id": name.lower().replace(" ", "-"), "displayName": name, "state": state, "conditions": asked, "grantControls": grant}

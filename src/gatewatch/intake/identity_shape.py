"""What tells the JSON records of identity providers and clouds apart: keys and values that only they have.

Keys may be in any case, as data lakes fold them. A key within JSON that is text (``\\"key\\":``) is none of the object. The order of
:data:`SHAPES` matters where two might fit: sign-ins come before other activity.
"""

from __future__ import annotations

from gatewatch.intake.json_shape import JsonShape

_SIGN_IN_KEYS = "conditionalAccessStatus|clientAppUsed|isInteractive|authenticationRequirement|riskLevelDuringSignIn|appliedConditionalAccessPolicies"

ENTRA_SIGNIN = JsonShape(
    "entra-signin",
    rf'(?i)"category"\s*:\s*"[a-z]*SignInLogs"|"(?:{_SIGN_IN_KEYS})"\s*:|"status"\s*:\s*"?\{{\s*\\?"errorCode',
)
ENTRA_AUDIT = JsonShape(
    "entra-audit",
    r'(?i)"category"\s*:\s*"AuditLogs"|"(?:activityDisplayName|activityDateTime|initiatedBy|loggedByService)"\s*:',
)
M365 = JsonShape(
    "m365",
    r'"(?:Workload|OfficeWorkload)"\s*:\s*"|"AuditData"\s*:\s*["{]|"Operation"\s*:\s*"User(?:LoggedIn|LoginFailed)"|"RecordType"\s*:\s*["0-9]',
)
OKTA = JsonShape("okta", r'"event[Tt]ype(?:_s)?"\s*:\s*"[a-z0-9_]+\.[A-Za-z0-9_.]+"')
CLOUDTRAIL = JsonShape(
    "cloudtrail",
    r'(?i)"awsRegion"\s*:|"eventSource"\s*:\s*"[a-z0-9.-]+\.amazonaws\.com"'
    r'|"ConsoleLogin"\s*:\s*"(?:Success|Failure)"|"eventName"\s*:\s*"(?:ConsoleLogin|StartSession|SendSSHPublicKey)"',
)
_DUO_ACTIONS = "admin|user|bypass|integration|phone|hardtoken|policy|group|update_admin"
DUO = JsonShape(
    "duo",
    r'(?s)"isotimestamp"\s*:|"(?:access|auth)_device"\s*:\s*(?:\{|"[^"]*"|null)|"event_?type"\s*:\s*"(?:authentication|administrator|enrollment)"'
    rf'|"auth_stage"\s*:|"factor"\s*:.*"integration"\s*:|"integration"\s*:.*"factor"\s*:|"action"\s*:\s*(?:\{{\s*"name"\s*:\s*)?"(?:{_DUO_ACTIONS})_[a-z0-9_]+"',
)
TELEPORT = JsonShape("teleport", r'"code"\s*:\s*"T[A-Z0-9]{1,4}[0-9]{2,4}[A-Z]"')
ONELOGIN = JsonShape("onelogin", r'"event_type_id"\s*:')
JUMPCLOUD = JsonShape("jumpcloud", r'(?s)"initiated_by"\s*:.*"event_type"\s*:\s*"|"event_type"\s*:\s*".*"initiated_by"\s*:')
KEYCLOAK = JsonShape(
    "keycloak",
    r'(?s)"(?:loggerName|log\.logger|logger)"\s*:\s*"org\.keycloak\.events"|"type"\s*:\s*"[A-Z][A-Z_]+"\s*,\s*"realmId"\s*:'
    r'|"realmId"\s*:.*"ipAddress"\s*:',
)
KEYCLOAK_LOG = JsonShape("keycloak", r'"log\.logger"\s*:\s*"org\.keycloak\.events"')
"""Its server log in the layout of ECS, which is tried before other documents of ECS."""
PINGONE = JsonShape("pingone", r'"action"\s*:\s*\{\s*"type"\s*:\s*"[A-Z_]+\.[A-Z_]+"')
DEFENDER = JsonShape(
    "defender-logon", r'"category"\s*:\s*"AdvancedHunting-(?:Device|Identity)LogonEvents"|"ActionType"\s*:\s*"Logon(?:Success|Failed|Attempted)"'
)
MACOS_ENDPOINT = JsonShape(
    "macos-endpoint", r'"event"\s*:\s*\{\s*"(?:openssh_log(?:in|out)|screensharing_(?:attach|detach)|login_log(?:in|out)|lw_session_[a-z]+)"\s*:'
)
AUTH0 = JsonShape("auth0", r'"log_id"\s*:\s*"')
AZURE_ACTIVITY = JsonShape("azure-activity", r'(?i)"operationName(?:Value)?"\s*:\s*(?:\{[^{}]{0,300})?"microsoft\.[a-z.]+\\?/')
_GITHUB_ACTIONS = "business|org|team|user|public_key|personal_access_token|enterprise|repo|oauth_authorization|two_factor_authentication|unknown"
SAAS = JsonShape(
    "saas-audit",
    r'"applicationName"\s*:\s*"(?:login|admin|user_accounts|saml|token)"|"methodName"\s*:\s*"(?:[A-Za-z0-9._]*SetIamPolicy|google\.login\.[A-Za-z0-9._]+)"|"change_description"\s*:'
    r'|"event_type"\s*:\s*"[A-Z][A-Z_0-9]{2,}"|"category"\s*:\s*"(?:success|(?:credentials|mfa|sso|firewall|modern_version)_[a-z_]+)"'
    rf'|"actor_type"\s*:|"IdApplicationName"\s*:|"eventGroupID"\s*:|"action"\s*:\s*"(?:{_GITHUB_ACTIONS})\.[a-z0-9_.]+"',
)
ZSCALER = JsonShape("saas-audit", r'"auditlogtype"\s*:')
"""One of those of :data:`SAAS` that looks like an ECS document: it is tried before these."""
SHAPES = (
    *(CLOUDTRAIL, OKTA, ENTRA_SIGNIN, ENTRA_AUDIT, M365, DUO, TELEPORT, ONELOGIN, JUMPCLOUD, KEYCLOAK, PINGONE, DEFENDER, MACOS_ENDPOINT),
    *(AUTH0, AZURE_ACTIVITY),
    SAAS,
)
"""The shapes of this module, in the order they are tried."""

"""What sources make of records, and what rules make of that: every pattern of a change is judged by a rule, or is harmless for a reason.

Patterns are gathered from the samples of all sources and from the sources' own tables; a pattern that no rule meets and nobody thought of is an
error, so a new meaning of a source cannot pass without a judgement.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import polars as pl

import gatewatch
from gatewatch.detect.content import load_content
from gatewatch.schema.events import DTYPES, Kind, ensure
from gatewatch.sources import registry
from gatewatch.sources.pattern import PatternSource

sys.path.append(str(Path(__file__).parents[1] / "sources"))

import document_sample
import sample
import windows_sample

JUDGED = frozenset(
    {
        *(Kind.ACCOUNT_CHANGE, Kind.CONFIG_CHANGE, Kind.SERVICE_INSTALL, Kind.SCHEDULED_JOB, Kind.LOG_CLEARED, Kind.PORT_FORWARD),
        *(Kind.CONTAINER_CREATE, Kind.CONTAINER_EXEC, Kind.PRIVILEGE_USE, Kind.MFA_DENIED, Kind.MFA_OK, Kind.AUTH_STOPPED, Kind.AUTH_SUCCESS),
    }
)
_REMOVED = "takes a way in away"
_LOCKED = "keeps somebody out; the failures before it are counted"
_DIRECTION = "the record does not say whether the change opens or closes"
_BARE = "gives nothing by itself; what is added to it is judged"
_ROUTINE = "routine administration that opens nothing"
HARMLESS: dict[str, str] = {
    **dict.fromkeys(
        ("aaa-unlocked", "account-unlocked", "user-enabled", "user-restored", "mfa-enabled", "guest-redeemed"),
        "lets a known account in again; a dormant account is a factor, its next logon is judged",
    ),
    **dict.fromkeys(("aaa-locked", "account-locked", "user-disabled", "password-locked", "sessions-revoked"), _LOCKED),
    **dict.fromkeys(
        (
            *("group-deleted", "group-member-removed", "logon-right-removed", "role-member-removed", "access-key-changed", "api-token-removed"),
            *(
                "bypass-code-deleted",
                "login-profile-deleted",
                "support-access-ended",
                "role-deleted",
                "firewall-rule-removed",
                "firewall-rules-deleted",
            ),
            *("remote-login-disabled", "remote-management-disabled", "screen-sharing-disabled", "security-group-closed", "share-deleted"),
            *("task-deleted", "crontab-deleted", "inbox-rule-removed", "registry-deleted"),
        ),
        _REMOVED,
    ),
    **dict.fromkeys(
        (
            *("access-policy-changed", "authentication-policy-changed", "network-zone-changed", "account-settings-changed", "tenant-changed"),
            *("domain-policy-changed", "firewall-policy-changed", "firewall-rule-changed", "firewall-setting-changed", "password-policy-changed"),
            *("threat-detection-changed", "attack-protection-changed", "logging-changed", "sysmon-config-changed", "user-data-changed"),
            *("role-changed", "integration-changed", "registry-key-changed", "registry-renamed", "configuration-call", "account-call"),
        ),
        _DIRECTION,
    ),
    **dict.fromkeys(
        (
            *(
                "computer-created",
                "group-changed",
                "group-created",
                "role-created",
                "service-account-created",
                "service-account",
                "application-added",
            ),
            *("integration-created", "user-renamed", "certificate-requested", "security-group-changed", "share-created", "share-changed"),
        ),
        _BARE,
    ),
    **dict.fromkeys(
        (
            *("password-expiry-changed", "crontab-reloaded", "daemon-reloaded", "application-changed", "backup-changed", "backup-deleted"),
            *("defender-detection", "application-access-granted", "job-changed", "user-changed"),
        ),
        _ROUTINE,
    ),
    **dict.fromkeys(
        ("firebox-configured", "ios-configured", "junos-committed", "router-configured"), "the record does not say what was changed"
    ),
    "ios-command": "commands of routers' and switches' consoles are shown, not judged",
    "bastion-changed": _DIRECTION,
    "network-rule-changed": "Azure's record holds no rule: it may open or close",
    "public-address-changed": _BARE,
    "vault-access-changed": _DIRECTION,
    "ingress-created": "every deployment that serves the outside has one; it goes through the controller",
    "role-bound": "a role without far-reaching rights; those are judged by cluster-role-granted",
    "certificate-issued": "Teleport issues one at every logon",
    "privilege-token-created": "Teleport issues one to a user who has just proved both factors",
    "application-password-shown": "a user who looks at a stored password of their own",
    "recovery-question-changed": "users change it; the password that is set by it is judged",
    "support-access-used": "the grant is judged",
    "logger-stopped": "stops at every update and shutdown; the commands that stop it are judged",
    "sysmon-stopped": "stops at every shutdown; the commands that stop it are judged",
    "audit-rules-changed": "loaded at every start; the commands that change them are judged",
    "service-start-changed": "installers and updates do it; the services that matter are judged by the registry and by commands",
    "plugin-enabled": "the record names no actor; docker plugins are installed by root alone",
    "explicit-credentials-local": "credentials used on the host itself; towards another host they are judged",
    "software-installed": "ordinary software; remote-access tools are judged by name",
    "inbox-rule-changed": "only a rule that sends mail away or deletes it is judged",
    "cluster-admin": "the name of a role, no pattern",
}
GATING = (None, "azure-activity", "fortigate", "cloudtrail", "windows-process", "kubernetes-audit", "docker-daemon", "falco-events", "auditd")
"""Sources that rules ask for by name: a pattern without a sample is put to the rules as an event of each."""
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+\Z")
_TABLES = ("_named", "_changes", "_deeds")


def sampled() -> pl.DataFrame:
    """The events of all samples of sources that have annotated ones."""
    parts = []
    for source in registry.SOURCES:
        if isinstance(source, PatternSource):
            parts.append(source.decode(sample.records(sample.load(source.name))).events)
        elif source in windows_sample.WINDOWS:
            parts.append(source.decode(windows_sample.frame([one.record for one in windows_sample.load(source)])).events)
        elif source in document_sample.DOCUMENTS:
            parts.append(source.decode(document_sample.frame([(one.program, one.raw) for one in document_sample.load(source)])).events)
    return pl.concat(parts, how="diagonal_relaxed")


def declared() -> set[tuple[str, str]]:
    """(kind, pattern) of the tables of sources, sampled or not."""
    found: set[tuple[str, str]] = set()
    for path in sorted((Path(gatewatch.__file__).parent / "sources").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found |= _declared(node)
    return found


def _declared(node: ast.AST) -> set[tuple[str, str]]:
    if isinstance(node, ast.Tuple):
        parts = node.elts
    elif isinstance(node, ast.Call):
        parts = [*node.args, *(word.value for word in node.keywords)]
    else:
        return set()
    kinds = [part.attr for part in parts if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "Kind"]
    names = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str) and _NAME.match(part.value)]
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _TABLES:
        names = [word.arg.replace("_", "-") for word in node.keywords if word.arg is not None and isinstance(word.value, ast.Tuple)]
    return {(str(Kind[kind]), name) for kind in kinds for name in names if kind in Kind.__members__}


def met(events: pl.DataFrame) -> set[tuple[str, str]]:
    """(kind, pattern) of which some event meets some rule."""
    rules = load_content().rules
    answers = rules.evaluate(ensure(events, "kind", "pattern", "source"))
    hits = answers.filter(pl.any_horizontal([f"rule:{name}" for name in rules.names])).select("kind", "pattern").drop_nulls().unique()
    return {(str(kind), str(pattern)) for kind, pattern in hits.iter_rows()}


def test_every_pattern_is_judged_or_harmless_for_a_reason() -> None:
    events, tables = sampled(), declared()
    pairs = {(str(kind), str(pattern)) for kind, pattern in events.select("kind", "pattern").drop_nulls().unique().iter_rows()} | tables
    bare = pl.DataFrame(sorted(tables), schema={"kind": pl.String, "pattern": pl.String}, orient="row").cast({"kind": DTYPES["kind"]})
    by_source = pl.concat([bare.with_columns(pl.lit(source, pl.String).alias("source")) for source in GATING])
    judged = met(events) | met(by_source)
    left = {(kind, pattern) for kind, pattern in pairs - judged if Kind(kind) in JUDGED}
    assert sorted(left - {(kind, pattern) for kind, pattern in left if pattern in HARMLESS}) == []
    known = {pattern for _, pattern in pairs}
    assert sorted(set(HARMLESS) - known) == [], "no source has these"
    assert len(judged) > 150

"""Advice: what to contain now, what to look at next, what the logs could not show, and what nearly happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gatewatch.detect.deed import deed, deeds, is_told
from gatewatch.detect.intrusion import Intrusion
from gatewatch.detect.story import local
from gatewatch.schema.addresses import is_loopback
from gatewatch.schema.coverage import Coverage, Unseen
from gatewatch.schema.incidents import Severity

MOST = 12  # lines of one kind of advice
_DOOR_ACTIONS = {
    "account-created": "Remove or disable account {who} on {host}: it was made in the session",
    "ssh-key-added": "Remove the SSH key that was added for {who} on {host}",
    "password-changed": "Set a new password for {who} on {host}: the session changed it",
    "group-privileged-added": "Take {who} out of the privileged group on {host}",
    "sudoers-changed": "Restore the sudo rules of {host}",
    "sshd-config-changed": "Restore the sshd configuration of {host} and restart it",
    "preload-changed": "Restore /etc/ld.so.preload of {host} from a trusted system: what it hides does not show on the host itself",
    "cron-installed": "Remove the scheduled job from {host}",
    "service-installed": "Stop and remove the service that was installed on {host}",
    "remote-tool": "Remove the remote-access tool from {host}",
    "tunnel": "Close the tunnel on {host}",
    "tor-service": "Stop the Tor service on {host} and keep its keys as evidence",
    "firewall-opened": "Restore the firewall of {host}",
    "security-disabled": "Switch the protection on {host} on again",
    "miner": "Stop the miner on {host}",
    "remote-login-enabled": "Switch Remote Login on {host} off again (systemsetup -setremotelogin off) and check who may use it",
    "screen-sharing-enabled": "Switch Screen Sharing and Remote Management on {host} off again (kickstart -deactivate -configure -access -off)",
    "rdp-enabled": "Switch Remote Desktop on {host} off again, or its settings back: the session changed them",
    "winrm-enabled": "Switch Windows Remote Management on {host} off again (Disable-PSRemoting, listeners, firewall rule)",
    "logon-right-granted": "Take the right to log on remotely from {who} on {host}",
    "cluster-role-granted": "Take the rights from {who} again: delete the binding that was made in the session on {host}",
    "cluster-credential-issued": "Make the credential of {who} on {host} void: delete the service account or secret, deny the certificate",
    "cluster-job-installed": "Delete the cron job, daemon set or webhook that the session made on {host}, and the pods it started",
    "privileged-container": "Delete the container with rights over its host that was created on {host}; examine and drain the node it ran on",
    "docker-api-exposed": "Take the Docker API of {host} off the network (or ask for certificates) and look for containers nobody started",
    "accessibility-backdoor": "Restore the programs of the logon screen of {host} (sethc, utilman, osk and their Debugger values)",
    "registry-persistence": "Remove what the session set to start at logon on {host}",
    "role-granted": "Take the role or policy from {who} again, and list who else bears it",
    "mfa-method-added": "Remove the second factor or device that was registered for {who}; end all sessions of the account",
    "mfa-weakened": "Ask for the second factor of {who} again (remove bypass codes and exemptions) and have it registered anew in person",
    "api-credential-issued": "Revoke the key, token, secret or password that was issued for {who}",
    "authentication-weakened": "Switch on again what asks for a second factor or single sign-on, and see who came in meanwhile",
    "federation-changed": "Restore the federation (domains, identity providers, signing certificates); until then believe no logon it vouches for",
    "remote-access-opened": "Close what was opened: the security group, endpoint or console",
    "gateway-user-changed": "Restore {who} on {host}: password, second factor and group",
    "gateway-tampered": "Compare the configuration, portal and pages of {host} with a backup; take passwords typed there meanwhile as known",
    "mail-diverted": "Remove the forwarding or rule, and look at what mail it sent away or hid",
    "application-consent": "Revoke the consent or permission and the tokens it gave",
    "defender-lookalike": "Stop and remove the service or job on {host}; keep the program as evidence",
    "service-exposed": "Delete the service or ingress that was exposed on {host}",
    "cluster-guard-removed": "Restore the network policy on {host}",
    "wmi-consumer": "Remove the WMI event subscription from {host} (root\\subscription: filter, consumer and binding)",
}
# what to look at next because of an act: {host} is where it was done
_LOOK = {
    "credential-access": "Treat every account that was logged on to {host}, or is stored there, as known to the intruder: look for its use elsewhere",
    "log-cleared": "Look for copies of what was cleared on {host}: forwarded events, backups, shadow copies",
    "group-privileged-added": "List the members of the privileged groups of {host} and look for others that were added",
    "cron-installed": "Read what the job on {host} runs, and as whom, before it is removed",
    "service-installed": "Read what the service on {host} runs, and as whom, before it is removed",
    "tunnel": "Find out who used the tunnel on {host}: logons there from the loopback address",
    "federation-changed": "Look for logons with a method nobody set up: tokens of the new provider, accounts that never came that way",
    "gateway-tampered": "Look for logons of every account at {host} from addresses never seen before",
    "api-credential-issued": "Look for use of the new credential from any address",
    "cloud-host-access": "Collect the logs of {host} itself: what ran there is not in those of the provider",
    "exfil-tool": "Find out what left {host}: bytes per connection at the firewall, the files the tool was given",
}

ANONYMOUS = "system:anonymous"
_CLUSTER = "system:"  # accounts of a cluster, which have neither password nor session


def contain(intrusion: Intrusion, users: Sequence[str], hosts: Sequence[str], open_sessions: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return what to do now, most urgent first. ``open_sessions``: user and host of sessions not seen to end."""
    stopped = intrusion.accepted is None
    entry = intrusion.entry.access
    actions: list[str] = []
    if intrusion.score.severity is Severity.LOW:
        actions.append(f"Ask {entry.user} whether the logon was theirs; what follows is for the case that it was not")
    actions += [f"End the session of {user} on {host}; it was not seen to end" for user, host in open_sessions if not user.startswith(_CLUSTER)]
    if ANONYMOUS in users:
        api = entry.host or "the API"
        actions.append(f"Refuse callers without an account at {api} (--anonymous-auth=false), or delete the bindings of {ANONYMOUS}")
    if not stopped:
        actions.append(f"Preserve the logs of {', '.join(hosts) or 'the host'} before anything is changed there")
    outside = [address for address in intrusion.origins if not is_loopback(address)]
    if len(outside) < len(intrusion.origins):
        actions.append(
            f"Find and stop what forwards connections to {entry.host or 'the host'} from its own loopback address (ssh, plink, ngrok, Tor, ...)"
        )
    actions += [f"Block {address} at the outer firewall" for address in outside[:4]]
    if len(outside) > 4:
        actions.append(f"Block the other {len(outside) - 4} addresses of this incident")
    made = _made(intrusion)
    accounts = [user for user in users if user not in made and not user.startswith(_CLUSTER)]
    tokens = [user for user in users if user.startswith(_CLUSTER) and user != ANONYMOUS]
    if tokens:
        actions.append(f"Make the tokens and certificates of {', '.join(tokens)} void: delete the service account or its secrets, rotate the node's")
    if accounts and not stopped:
        actions.append(f"Disable {', '.join(accounts)} until the owner is heard, and set a new password wherever the old one is used")
    elif accounts:
        actions.append(f"Set a new password for {', '.join(accounts)} wherever the old one is used")
    actions += _doors(intrusion)
    further = [host for host in hosts if host != entry.host]
    if further:
        actions.append(f"Treat {', '.join(further)} as entered: isolate and examine")
    if intrusion.events_of("act", "door", "onward") and entry.host:
        reader = "the intruder" if entry.user == ANONYMOUS else entry.user
        actions.append(f"Rotate every key and credential that {reader} could read on {entry.host}")
    return tuple(dict.fromkeys(actions))[:MOST]


def _made(intrusion: Intrusion) -> frozenset[str]:
    """Return the accounts the intruder made."""
    return frozenset(event.account for event in intrusion.events_of("door") if event.account and "account-created" in event.rules)


def _doors(intrusion: Intrusion) -> list[str]:
    actions = []
    events = intrusion.events_of("door", "act")
    for event in events:
        for rule in () if is_told(event, events) else event.rules:
            action = _DOOR_ACTIONS.get(rule, "")
            if "{who}" in action and event.account is None:
                action = f"Undo on {{host}}: {deed(event)}"
            if action:
                actions.append(action.replace("{host}", event.host or "the host").replace("{who}", f"'{event.account}'"))
    return actions


def next_steps(intrusion: Intrusion, zone: str) -> tuple[str, ...]:
    """Return what to look at next: the steps of the chains, after those that this incident suggests."""
    entry = intrusion.entry.access
    steps = []
    if not is_loopback(intrusion.entry.origin):
        steps.append(f"Look for {intrusion.entry.origin} in every other log, from {local(entry.time - timedelta(days=7), zone)} on")
    if intrusion.accepted is not None and entry.user:
        steps.append(f"Look for other logons of {entry.user} after {local(entry.time, zone)}, from any address")
    acts = intrusion.events_of("act", "door", "onward")
    steps += [_LOOK[rule].replace("{host}", event.host or "the host") for event in acts for rule in event.rules if rule in _LOOK]
    cases = [intrusion.lead, *intrusion.standing]
    return tuple(dict.fromkeys([*steps, *(step for case in cases for step in case.chain.next_steps)]))[:MOST]


def blind_spots(intrusion: Intrusion, hosts: Sequence[str], unseen: Sequence[Unseen]) -> tuple[str, ...]:
    """Return what the chains and the logs given cannot show for this incident."""
    dark = [f"{it.what}: {it.why}; collect it with: {it.collect}" for it in sorted(unseen) if _concerns(it.what, hosts)]
    said = [spot for case in (intrusion.lead, *intrusion.standing) for spot in case.chain.blind_spots]
    return tuple(dict.fromkeys([*dark, *said]))[: 2 * MOST]


def _concerns(what: str, hosts: Sequence[str]) -> bool:
    """Whether a missing log is of one of *hosts*, or of no host in particular."""
    host, colon, _ = what.partition(": ")
    return not colon or " " in host or host in hosts


def covered(hosts: Sequence[str], coverage: Sequence[Coverage], zone: str) -> tuple[str, ...]:
    """Return what logs of *hosts* were there, with their silences."""
    lines = []
    for row in sorted(coverage, key=lambda row: (row.host or "", row.source, row.stream)):
        if row.host in hosts and row.first is not None and row.last is not None:
            gaps = "".join(f"; silent {local(gap.start, zone)} to {local(gap.end, zone)}" for gap in row.gaps[:3])
            lines.append(f"{row.host}: {row.source} from {local(row.first, zone)} to {local(row.last, zone)}, {row.events} events{gaps}")
    return tuple(lines)


def near_misses(intrusion: Intrusion) -> tuple[str, ...]:
    """Return what nearly completed: stages looked for and not found, and acts that a rival session explains as well."""
    found = {act.name for act in intrusion.acts}
    lines = []
    if "onward" not in found and intrusion.accepted is not None:
        lines.append("no onward movement was seen in the sessions of this incident")
    if "door" in found and "use" not in found:
        lines.append("no use of the second door was seen")
    doubtful = {event.row: event for case in intrusion.cases for event in case.doubtful}
    if doubtful:
        words = deeds(tuple(doubtful[row] for row in sorted(doubtful)))
        lines.append(f"not counted, as another session of the same account may have done it: {', '.join(words)}")
    shared = next((case.facts.shared for case in intrusion.cases if case.facts.shared), "")
    if shared:
        lines.append(f"no guess: {shared}")
    elif not intrusion.lead.facts.guess and intrusion.lead.tried is None and intrusion.tried:
        lines.append(f"{intrusion.tried} failures of the same address within a day before, too few or too old for a guess")
    return tuple(lines)

"""Deeds: what an event did, in the words of a report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from gatewatch.detect.exhibit import Exhibit
from gatewatch.schema.events import Kind
from gatewatch.schema.platform import Platform, platform_of

SHOWN = 100  # characters of a command line that a sentence carries

_PLACE = re.compile(r"\{([a-z]+)\}")
_NAMED = frozenset({str(Kind.CONFIG_CHANGE), str(Kind.SERVICE_INSTALL), str(Kind.SCHEDULED_JOB)})  # their object has a name of its own

_APIS = {"docker_api": "Docker API", "kubelet": "API of the node (kubelet)"}

ONE = timedelta(seconds=15)  # a sudo record and the record of the tool it ran are one deed

# The rules of the content that say more than the kind of the event does; {who} is the account acted on, {what} the object or command.
_BY_RULE: dict[str, str] = {
    "defender-lookalike": "installed a service or job that calls itself Defender{what}",
    "tor-service": "set up a Tor service{what}",
    "account-created": "made account '{who}'",
    "group-privileged-added": "put {who} into a privileged group",
    "password-changed": "changed the password of {who}",
    "account-shut-out": "shut {who} out",
    "ssh-key-added": "added an SSH key for {who}",
    "sshd-config-changed": "changed the configuration of sshd",
    "sudoers-changed": "changed the sudo rules",
    "preload-changed": "put a library into every program{what}",
    "cron-installed": "installed a scheduled job",
    "service-installed": "installed a service{what}",
    "tool-download": "downloaded a tool{what}",
    "remote-tool": "set up a remote-access tool{what}",
    "tunnel": "opened a tunnel{what}",
    "log-cleared": "cleared or stopped logs{what}",
    "credential-access": "read stored credentials{what}",
    "miner": "ran a miner{what}",
    "firewall-opened": "opened the firewall{what}",
    "security-disabled": "switched off a protection{what}",
    "service-account-token-read": "read the token of a pod{what}",
    "node-proxy": "used the API of a node{what}",
    "kubelet-run": "ran a command by the API of a node{what}",
    "control-plane-answered": "used the {service}",
    "sensor-alert": "set off an alert of the sensor{what}",
    "container-tool": "ran a tool in a container{what}",
    "inner-probe": "searched the network for other Docker APIs and kubelets",
    "privileged-container": "created a container with rights over its host ({object})",
    "system-namespace-pod": "put a pod among those of the system ({object})",
    "cluster-job-installed": "installed what comes back by itself in the cluster ({object})",
    "cluster-secrets-read": "read secrets of the cluster ({object})",
    "cluster-role-granted": "gave {who} the rights {object}",
    "cluster-credential-issued": "had a credential issued for {who}",
    "cluster-role-widened": "defined a role with far-reaching rights ({object})",
    "docker-api-exposed": "opened the Docker API to the network{what}",
    "container-exec": "ran a command in a container{what}",
    "container-created": "created a container ({object})",
    "port-forward": "forwarded a port{to}",
    "admin-share": "opened an administrative share{what}",
    "exfil-volume": "sent {size} out{to}",
    "file-transfer": "transferred files",
    "remote-login-enabled": "switched Remote Login (SSH) on{what}",
    "screen-sharing-enabled": "switched Screen Sharing on{what}",
    "rdp-enabled": "switched Remote Desktop on{what}",
    "winrm-enabled": "switched Windows Remote Management on{what}",
    "logon-right-granted": "gave {who} the right to log on remotely",
    "accessibility-backdoor": "put a program behind the logon screen{what}",
    "registry-persistence": "set a program to start at logon{what}",
    "wmi-consumer": "tied a program to a WMI event{what}",
    "exfil-tool": "sent data out{what}",
    "remote-execution": "started a program from another host{what}",
    "remote-shell": "ran a remote shell{what}",
    "authentication-weakened": "switched off what asks for a second factor{what}",
    "federation-changed": "changed whose logons are believed{what}",
    "mfa-weakened": "took a second factor of {who} away",
    "mfa-method-added": "registered a second factor or device for {who}",
    "role-granted": "gave {who} power over the directory or cloud{what}",
    "api-credential-issued": "had a credential issued for {who}{what}",
    "remote-access-opened": "opened remote access in the cloud{what}",
    "gateway-user-changed": "changed the gateway's user or group {who}{what}",
    "gateway-tampered": "changed the gateway where it lets people in{what}",
    "mail-diverted": "diverted mail{what}",
    "application-consent": "let an application or person into an account{what}",
    "cloud-host-access": "entered a host through the cloud's provider ({host}){what}",
    "service-exposed": "exposed a service of the cluster ({object})",
    "cluster-guard-removed": "removed a network policy of the cluster ({object})",
    "relay-contact": "reached the Tor network or asked for a name in it",
    "outbound-remote-access": "went out to {host}",
    "lateral-logon": "moved on to {host}",
}
# what Windows calls otherwise
_ON_WINDOWS: dict[str, str] = {
    "group-privileged-added": "put {who} into the group {object}",
    "cron-installed": "installed a scheduled task{what}",
    "file-transfer": "opened a share{what}",
    "ssh-key-added": "added an SSH key{what}",
}
_COMMAND: dict[str, str] = {"lateral-logon": "reached for another host{what}"}  # where only the command is seen, not the logon it led to
# where the record does not name the account
_UNNAMED: dict[str, str] = {
    "account-created": "made an account{what}",
    "group-privileged-added": "put an account into a privileged group{what}",
    "password-changed": "changed a password{what}",
    "mfa-weakened": "took a second factor of an account away{what}",
    "mfa-method-added": "registered a second factor or device{what}",
    "role-granted": "gave power over the directory or cloud{what}",
    "api-credential-issued": "had a credential issued{what}",
    "gateway-user-changed": "changed a user or group of the gateway{what}",
    "ssh-key-added": "added an SSH key{what}",
    "logon-right-granted": "gave an account the right to log on remotely{what}",
}
_BY_KIND: dict[str, str] = {
    Kind.AUTH_SUCCESS: "logged on to {host}",
    Kind.MFA_DENIED: "was refused at the second factor",
    Kind.LOGON_OUT: "logged on to {host}",
    Kind.ACCOUNT_CHANGE: "changed account '{who}'",
    Kind.CONFIG_CHANGE: "changed a configuration{what}",
    Kind.SERVICE_INSTALL: "installed a service{what}",
    Kind.SCHEDULED_JOB: "installed a scheduled job{what}",
    Kind.LOG_CLEARED: "cleared logs",
    Kind.FILE_TRANSFER: "transferred files",
    Kind.PORT_FORWARD: "forwarded a port{to}",
    Kind.EXEC: "ran a command{what}",
    Kind.PRIVILEGE_USE: "used root rights{what}",
}


def deed(event: Exhibit) -> str:
    """Return what *event* did as a verb phrase: ``made account 'sysupd'``."""
    for rule, words in _BY_RULE.items():
        if rule in event.rules:
            return _fill(_worded(rule, words, event), event)
    if event.kind == Kind.PRIVILEGE_USE and _on_windows(event):
        return _fill("used the credentials of {target}" if event.target_user else "used administrator rights", event)
    return _fill(_BY_KIND.get(event.kind, event.kind.replace("_", " ")), event)


def deeds(events: Sequence[Exhibit], most: int = 6) -> tuple[str, ...]:
    """Return the different deeds of *events* in order, at most *most*; the rest as a number.

    A client's record of a logon is left out where the logon itself is among them.
    """
    events = arrived(events)
    if not events:
        return ()
    telling = tuple(event for event in events if event.account is not None and not _UNNAMED.keys().isdisjoint(event.rules))
    words = list(dict.fromkeys(deed(event) for event in events if not is_told(event, telling)))
    return tuple(words[:most]) + ((f"{len(words) - most} more",) if len(words) > most else ())


def arrived(events: Sequence[Exhibit]) -> tuple[Exhibit, ...]:
    """Return *events* without what only says that somebody went to a host on which their logon is among them; logs differ in case and in domains."""
    reached = {_short(event.host) for event in events if event.kind == Kind.AUTH_SUCCESS and event.host}
    return tuple(event for event in events if not (event.kind == Kind.LOGON_OUT and event.dst_host and _short(event.dst_host) in reached))


def _short(name: str) -> str:
    """Return a host's name without its domain, an address as it is."""
    return name if ":" in name or name.replace(".", "").isdigit() else name.casefold().partition(".")[0]


def quoted(text: str) -> str:
    """Return *text* short enough for a sentence."""
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN else f"{flat[: SHOWN - 3]}..."


def _on_windows(event: Exhibit) -> bool:
    return platform_of(event.source) is Platform.WINDOWS


def _worded(rule: str, words: str, event: Exhibit) -> str:
    """Return the words for what *event* did by *rule*: those of its platform, kind and of what it leaves out."""
    if event.kind in {Kind.EXEC, Kind.PRIVILEGE_USE} and event.command and rule in _COMMAND:
        return _COMMAND[rule]
    if _on_windows(event) and rule in _ON_WINDOWS and (event.object or "{object}" not in _ON_WINDOWS[rule]):
        return _ON_WINDOWS[rule]
    return words if event.account else _UNNAMED.get(rule, words)


def is_told(event: Exhibit, events: tuple[Exhibit, ...]) -> bool:
    """Return whether another record of the same deed, within seconds on the host, names the account that *event* does not."""
    unnamed = _UNNAMED.keys() & event.rules
    return (
        bool(unnamed)
        and event.account is None
        and any(
            other.account is not None and other.host == event.host and not unnamed.isdisjoint(other.rules) and abs(other.time - event.time) <= ONE
            for other in events
        )
    )


def _fill(words: str, event: Exhibit) -> str:
    what = event.command or event.object
    if _on_windows(event) and event.kind in _NAMED and event.command and event.object:
        what = f"{event.object}: {event.command}"
    to = event.dst_host or event.dst_ip or event.object
    if "exfil-volume" in event.rules and event.src_ip is not None and event.src_ip == event.origin_ip:
        to = event.src_ip  # the outsider opened the connection, and it is to them that the data went
    host = event.dst_host or event.dst_ip if event.kind == Kind.LOGON_OUT else event.host
    values = {
        "who": event.account or "an account",
        "target": event.target_user or "another account",
        "object": event.object or "a group",
        "host": host or "another host",
        "to": f" to {quoted(to)}" if to else "",
        "what": f" ({quoted(what)})" if what else "",
        "size": f"{event.bytes_out / (1 << 20):,.0f} MiB" if event.bytes_out else "much",
        "service": _APIS.get(event.service or "", "API of the containers"),
    }
    # not str.format: what a log says may contain braces
    return _PLACE.sub(lambda found: values[found[1]], words)

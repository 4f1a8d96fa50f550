"""Deeds: what an event did, in the words of a report."""

from __future__ import annotations

from datetime import timedelta

from gatewatch.detect.exhibit import Exhibit
from gatewatch.schema.events import Kind

SHOWN = 100  # characters of a command line that a sentence carries

ONE = timedelta(seconds=15)  # a sudo record and the record of the tool it ran are one deed

# The rules of the content that say more than the kind of the event does; {who} is the account acted on, {what} the object or command.
_BY_RULE: dict[str, str] = {
    "account-created": "made account '{who}'",
    "group-privileged-added": "put {who} into a privileged group",
    "password-changed": "changed the password of {who}",
    "ssh-key-added": "added an SSH key for {who}",
    "sshd-config-changed": "changed the configuration of sshd",
    "sudoers-changed": "changed the sudo rules",
    "cron-installed": "installed a scheduled job",
    "service-installed": "installed a service{what}",
    "tool-download": "downloaded a tool{what}",
    "remote-tool": "set up a remote-access tool{what}",
    "tunnel": "opened a tunnel{what}",
    "tor-service": "set up a Tor service{what}",
    "log-cleared": "cleared or stopped logs{what}",
    "credential-access": "read stored credentials{what}",
    "miner": "ran a miner{what}",
    "firewall-opened": "opened the firewall{what}",
    "security-disabled": "switched off a protection{what}",
    "port-forward": "forwarded a port{to}",
    "file-transfer": "transferred files",
    "remote-shell": "ran a remote shell{what}",
    "lateral-logon": "moved on to {host}",
}
# where the record does not name the account
_UNNAMED: dict[str, str] = {
    "account-created": "made an account{what}",
    "group-privileged-added": "put an account into a privileged group{what}",
    "password-changed": "changed a password{what}",
    "ssh-key-added": "added an SSH key{what}",
}
_BY_KIND: dict[str, str] = {
    Kind.AUTH_SUCCESS: "logged on to {host}",
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
            return _fill(words if event.account else _UNNAMED.get(rule, words), event)
    return _fill(_BY_KIND.get(event.kind, event.kind.replace("_", " ")), event)


def deeds(events: tuple[Exhibit, ...], most: int = 6) -> tuple[str, ...]:
    """Return the different deeds of *events* in order, at most *most*; the rest as a number."""
    words = list(dict.fromkeys(deed(event) for event in events if not _is_told(event, events)))
    return tuple(words[:most]) + ((f"{len(words) - most} more",) if len(words) > most else ())


def quoted(text: str) -> str:
    """Return *text* short enough for a sentence."""
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN else f"{flat[: SHOWN - 3]}..."


def _is_told(event: Exhibit, events: tuple[Exhibit, ...]) -> bool:
    """Return whether another record of the same deed, within seconds on the host, names the account that *event* does not."""
    return event.account is None and any(
        other.account is not None
        and other.host == event.host
        and set(other.rules) & set(event.rules) & set(_UNNAMED)
        and abs(other.time - event.time) <= ONE
        for other in events
    )


def _fill(words: str, event: Exhibit) -> str:
    what = event.command or event.object
    to = event.dst_host or event.dst_ip or event.object
    # not str.format: what a log says may contain braces
    for name, value in (
        ("{who}", event.account or "an account"),
        ("{host}", event.host or "another host"),
        ("{to}", f" to {quoted(to)}" if to else ""),
        ("{what}", f" ({quoted(what)})" if what else ""),
    ):
        if name in words:
            return words.replace(name, value)
    return words

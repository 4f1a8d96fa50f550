"""The vocabulary of scenarios: every step there is, the fields it takes and needs, and the stage it stands for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """A step: ``fields`` it may have, ``needs`` it must have; whether it opens or closes a session."""

    name: str
    stage: str
    fields: frozenset[str]
    needs: tuple[str, ...]
    opens: bool = False
    closes: bool = False
    tells: str = ""


def _verb(name: str, stage: str, needs: str, more: str = "", *, opens: bool = False, closes: bool = False, tells: str = "") -> Verb:
    required = tuple(needs.split())
    return Verb(name, stage, frozenset(required) | frozenset(more.split()), required, opens, closes, tells)


_ALL = (
    _verb("guess", "guess", "who account on tries every", "mode", tells="wrong passwords of one account; the outsider's addresses take turns"),
    _verb("spray", "guess", "who account on names tries every", "mode", tells="each of many accounts a few times, the account among them"),
    _verb("stranger", "guess", "who on tries every", "mode", tells="names that do not exist"),
    _verb("push", "guess", "who account tries every", "", tells="second factors asked for and not given, at the identity provider"),
    _verb("sign-in", "entry", "who account", "mfa", tells="an accepted sign-in at the identity provider"),
    _verb(
        "enter",
        "entry",
        "account on session",
        "who from method mode explicit",
        opens=True,
        tells="an accepted logon, from an outsider or from a session",
    ),
    _verb("leave", "end", "in", "sent received suspend", closes=True, tells="the end of a session; bytes go over the wire"),
    _verb("resume", "entry", "in who", "", tells="the session goes on from another outside address"),
    _verb("run", "act", "in commands", "root every", tells="commands or processes in a session"),
    _verb("new-account", "door", "in account", "group", tells="an account made in a session"),
    _verb("service", "door", "in name path", "", tells="a Windows service installed in a session"),
    _verb("task", "door", "in name path", "", tells="a scheduled task"),
    _verb("share", "onward", "from on account", "share", tells="a file share of another host"),
    _verb("fetch", "exfil", "in path bytes", "upload", tells="a file over SFTP"),
    _verb("clear", "hide", "in", "", tells="the Security log cleared"),
    _verb("kube", "act", "who on verb resource", "account from namespace name sub code body times every agent", tells="a request to the cluster"),
    _verb("container", "act", "on image name", "commands", tells="a container created, started, and commands in it"),
    _verb("flow", "connection", "on port", "who from bytes received for service", tells="a connection that only the sensor sees"),
    _verb("administer", "act", "who account on", "change new", tells="an administrator's logon or command at a gateway"),
    _verb("wait", "pause", "for", "", tells="nothing for a while"),
)
STEPS: dict[str, Verb] = {verb.name: verb for verb in _ALL}

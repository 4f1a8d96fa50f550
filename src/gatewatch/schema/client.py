"""Clients: the programs with which somebody on a host goes on to another one, and as whom their commands say they do.

Names as they are called, without folder and ``.exe``, case-folded.
"""

from __future__ import annotations

SHELL = ("ssh", "scp", "sftp", "slogin", "mosh", "rsync", "sshpass", "autossh", "plink", "pscp", "psftp", "putty", "kitty", "winscp")
"""Clients of SSH: they take ``name@host``, and ``-l name``."""
DESKTOP = (
    "mstsc", "xfreerdp", "xfreerdp3", "wfreerdp", "rdesktop", "remmina", "sharprdp", "vncviewer", "tvnviewer", "xtightvncviewer", "rdcman",
)  # fmt: skip
"""Clients of Remote Desktop and VNC; FreeRDP takes ``/u:name``."""
COMMAND = (
    "psexec", "psexec64", "paexec", "remcom", "csexec", "winrs", "evil-winrm", "wmiexec", "smbexec", "atexec", "dcomexec", "crackmapexec", "netexec",
    "nxc", "enter-pssession", "new-pssession", "invoke-command", "new-cimsession", "invoke-wmimethod", "invoke-cimmethod",
)  # fmt: skip
"""What runs commands on another Windows host; most take ``-u name``."""
CLUSTER = ("kubectl", "helm", "oc", "docker", "k9s", "nerdctl")
"""Clients of a cluster or a Docker API: they need not name it, they are configured for one."""

CLIENTS = (*SHELL, *DESKTOP, *COMMAND, *CLUSTER)
"""All of them."""

_OPTIONS = {**dict.fromkeys(SHELL, ("-l",)), **dict.fromkeys(COMMAND, ("-u", "--user", "-username"))}
_JOINED = ("/u:", "-u:", "/user:", "-username:")
_LONGEST = 2048  # characters of a command that are read


def pattern(names: tuple[str, ...]) -> str:
    """Return a regex that finds one of *names* as a word of a command line, with or without its folder and ending."""
    listed = "|".join(name.replace("-", r"\-") for name in sorted(names, key=lambda name: (-len(name), name)))
    return rf"(?i)(?:^|[\s/\\;&|\"'(])(?:{listed})(?:\.exe|\.py|\.rb)?(?:[\s\"']|$)"


def account_named(command: str | None) -> str | None:
    """Return the account as which a *command* goes on to another host; None where it names none.

    >>> account_named("ssh -p 2222 deploy@db02"), account_named("plink -ssh -l root 10.0.0.5"), account_named("psexec \\\\\\\\fs -u bob cmd")
    ('deploy', 'root', 'bob')
    """
    words = [word.strip("\"'") for word in (command or "")[:_LONGEST].split()]
    names = [_program(word) for word in words]
    start = next((at for at, name in enumerate(names) if name in SHELL or name in DESKTOP or name in COMMAND), None)
    if start is None:
        return None
    shell = names[start] in SHELL
    options = _OPTIONS.get(names[start], ())
    rest = words[start + 1 :]
    for at, word in enumerate(rest):
        if word.casefold() in options and at + 1 < len(rest):
            return _bare(rest[at + 1])
        if not shell and word.casefold().startswith(_JOINED):
            return _bare(word.partition(":")[2])
        if shell and "@" in word[1:] and not word.startswith("-"):
            return word.partition("@")[0].rpartition("//")[2] or None
    return None


def _bare(name: str) -> str | None:
    return name.strip("\"'").rpartition("\\")[2].partition("@")[0] or None


def _program(word: str) -> str:
    return word.replace("\\", "/").rpartition("/")[2].casefold().removesuffix(".exe").removesuffix(".py").removesuffix(".rb")

r"""Addresses that fail2ban shut out.

``2026-02-13 15:52:30,388 fail2ban.actions [123]: NOTICE  [sshd] Ban 192.0.2.4``

A ban stands for a burst of failures whose number the line does not give. ``object`` is the jail. ``Found`` repeats a line of the watched log.

References: fail2ban(1), fail2ban server/actions.py.
"""

from __future__ import annotations

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.pattern import Pattern, PatternSource

SERVICES = {
    **dict.fromkeys(("ssh", "sshd", "sshd-ddos", "ssh-ddos", "ssh-iptables", "dropbear", "selinux-ssh"), Service.SSH),
    **dict.fromkeys(("vsftpd", "proftpd", "pure-ftpd"), Service.FTP),
    **dict.fromkeys(("guacamole", "apache-auth", "nginx-http-auth"), Service.WEB),
    "openvpn": Service.VPN,
    "xrdp": Service.RDP,
}
_START = r"^(?:fail2ban\.[a-z]+ *(?:\[[0-9]+\])?: )?[A-Z]+ +"
_JAIL = r"\[(?P<object>(?P<service>[^\[\] ]+))\]"

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "banned",
        (),
        (rf"{_START}{_JAIL} Ban (?P<rhost>[!-~]+)$", rf"{_START}{_JAIL} (?:Increase|Restore) Ban (?P<rhost>[!-~]+)(?: \(.*\))?$"),
        Kind.BAN,
        services=SERVICES,
    ),
    Pattern("found", (), (rf"{_START}\[[^\[\] ]+\] (?:Found|Ignore) ",), why="repeats a line of the log that is watched"),
    Pattern("unbanned", (), (rf"{_START}\[[^\[\] ]+\] (?:Unban |[!-~]+ already banned)",), why="a ban that ended or goes on"),
    Pattern(
        "fail2ban-state",
        (),
        (
            (
                rf"{_START}(?:-{{5,}}|Starting |Exiting |Stopp|Connected |Creat|Jail |Added |Removed |Set |Gen |Initiated |Shutdown |"
                rf"Reload |Flush |Found a |"
                r"rollover |Observer |Changed |Using |encoding|max|find|ban|\[[^\[\] ]+\] Flush |Execut|Failed |Lookup )"
            ),
        ),
        why="the daemon and its jails, no address",
    ),
)

SOURCE = PatternSource(
    name="fail2ban",
    title="fail2ban",
    programs=("fail2ban", "fail2ban-server"),
    patterns=PATTERNS,
    claims=r"^fail2ban[.-][a-z]+$",
    references=("fail2ban(1)",),
)

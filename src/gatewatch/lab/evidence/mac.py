"""The Mac: sshd, PAM, sharing, packet filter. Formats: sshd_config(5), pf.conf(5), launchctl(1), systemsetup(8)."""

from __future__ import annotations

from gatewatch.lab.evidence.linux import sshd
from gatewatch.lab.organisation import Host, Organisation
from gatewatch.lab.safeguard import Plan

_PAM = """auth required pam_opendirectory.so
account required pam_opendirectory.so
session required pam_launchd.so
"""
_DISABLED = """disabled services = {
\t"com.apple.screensharing" => enabled
\t"com.apple.smbd" => disabled
\t"com.openssh.sshd" => enabled
}
"""


def files(host: Host, _organisation: Organisation, plan: Plan) -> dict[str, str]:
    """Return the exports of the Mac."""
    rules = ["set skip on lo0", "block in log all", "pass out quick all keep state"]
    for service, port in (("ssh", 22), ("vnc", 5900)):
        wide = plan.open(host.name, service)
        rules.append(f"pass in quick proto tcp from {'any' if wide else '10.0.0.0/8'} to any port {port}")
    listening = "".join(f"tcp4       0      0  *.{port:<22} *.*                    LISTEN\n" for port in (22, 5900))
    return {
        "etc/ssh/sshd_config": sshd(second=not plan.missing("host-factor", host.name, "ssh"), limit=True, listed=False),
        "etc/pam.d/sshd": _PAM,
        "etc/pf.conf": "\n".join([*rules, ""]),
        "commands/login.txt": "Remote Login: On\n",
        "commands/disabled.txt": _DISABLED,
        "commands/netstat.txt": "Active Internet connections (including servers)\n"
        "Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)\n" + listening,
    }

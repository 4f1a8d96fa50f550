"""Pieces of regular expressions that rules about commands share, written ``%run%`` under ``re|expand``.

They are resolved like placeholders, but are patterns, not values, and no site can change them. A rule of ours stays valid Sigma: any
backend that fills placeholders can be given the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_BEFORE = r"(?:^|[\s;&|/])(?:sudo|nohup|setsid|exec|xargs|env|-c|do|then)\s+(?:-\S+\s+(?:[\w-]+\s+)?)?['\"]?"

FRAGMENTS: Mapping[str, str] = MappingProxyType(
    {
        # where a program's name stands: first, after ; & | ( or `, or after sudo, env, sh -c and the like; with any folder before it
        "run": rf"(?:^|[;&|(`]\s*|{_BEFORE})(?:/[\w./-]*/)?",
        # programs that write the file they are given
        "write": (
            r"(?:tee|cp|mv|install|ln|dd|sed\s+-\S*i\S*|vi|vim|vim\.\w+|nvim|nano|emacs|ed|joe|mcedit|rsync|scp|curl|wget|sponge|truncate)"
        ),
        # programs that show or copy the file they are given
        "reader": (
            r"(?:cat|tac|less|more|head|tail|strings|xxd|od|base64|cp|scp|rsync|tar|zip|7z|curl|wget|nc|awk|sed|grep|egrep|dd|"
            r"vi|vim|nano|view|sort|cut|getfacl\s+-R)"
        ),
        # files that hold credentials
        "secret": (
            r"(?:/etc/(?:shadow|gshadow|master\.passwd|security/opasswd)|/etc/krb5\.keytab|/etc/ssh/ssh_host_\w+_key|"
            r"/\.ssh/id_\w+|~/\.ssh/id_\w+|/\.aws/credentials|/\.docker/config\.json|/\.kube/config|/\.netrc|/\.pgpass|"
            r"/\.my\.cnf|/\.git-credentials|/\.vault-token)"
        ),
        # groups that lead to root
        "rootly": (r"(?:sudo|wheel|admin|root|docker|adm|lxd|lxc|disk|shadow|libvirt|google-sudoers)"),
        # programs that let somebody in from outside
        "remote": (
            r"(?:tmate|ngrok|anydesk|teamviewer|rustdesk|chisel|frpc|frps|gs-netcat|gsocket|sshx|meshagent|dwagent|dwservice|"
            r"localxpose|loclx|pagekite|wstunnel|ligolo(?:-ng)?|rathole|remotepc|splashtop\S*|screenconnect\S*|"
            r"connectwisecontrol\S*|simplehelp|nomachine|nxserver|atera\S*|zerotier-one|x11vnc|vncserver|tigervncserver|"
            r"ttyd|gotty|shellinabox\w*)"
        ),
        # programs that protect or watch a host
        "guard": (
            r"(?:fail2ban|auditd|apparmor|crowdsec\S*|sshguard|denyhosts|wazuh-agent|ossec\S*|falco\S*|clamav-\w+|osqueryd|"
            r"falcon-sensor|mdatp|sentinelone|sentinelctl|elastic-agent|filebeat|auditbeat|sysmon|aide\S*|rkhunter|cbdaemon|"
            r"ds_agent|sophos\S*|esets?|aliyun\S*|aegis|cloudmonitor|qcloud\S*|aws-?\w*guardduty\S*|lynis|tripwire|"
            r"splunk\S*|unattended-upgrades)"
        ),
    }
)
"""Name and pattern of each fragment."""

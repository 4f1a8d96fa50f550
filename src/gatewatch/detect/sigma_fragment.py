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
        "write": (r"(?:tee|cp|mv|install|ln|dd|sed\s+-\S*i\S*|vi|vim|vim\.\w+|nvim|nano|emacs|ed|joe|mcedit|rsync|scp|curl|wget|sponge|truncate)"),
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
        # Windows: where a program's or cmdlet's name stands: first, after a space, a quote, a separator or a folder
        "win": r"(?:^|[\s\"'`&|;(){},=@\\/])",
        # what may follow a program's name before its arguments
        "exe": r"(?:\.exe)?[\"']*",
        # the rest of one command
        "rest": r"[^|&\r\n]*",
        # Windows groups that give administrator rights or let somebody in from outside, by name in some languages or by SID
        "winroot": (
            r"(?:Administrators|Administratoren|Administrateurs|Administradores|Amministratori|Администраторы|"
            r"Remote\s?Desktop\s?Users|Remotedesktopbenutzer|Utilisateurs\sdu\sBureau\sà\sdistance|Usuarios\sde\sescritorio\sremoto|"
            r"Пользователи\sудаленного\sрабочего\sстола|Remote\s?Management\s?Users|Remoteverwaltungsbenutzer|"
            r"(?:Backup|Account|Server|Print)\sOperators|Hyper-V\sAdministrators|Distributed\sCOM\sUsers|"
            r"(?:Domain|Enterprise|Schema)\sAdmins|Dom[aä]nen-Admins|Admins\.\sdu\sdomaine|Group\sPolicy\sCreator\sOwners|"
            r"(?:Enterprise\s)?Key\sAdmins|DnsAdmins|ESX\sAdmins|OpenSSH\sUsers|S-1-5-32-5(?:44|48|49|50|51|55|56|62|78|80))"
        ),
        # Windows programs that let somebody in from outside; an installed one also starts in every session of its owner
        "winremote": (
            r"(?:anydesk|teamviewer|rustdesk|hoptodesk|screenconnect|connectwise(?:control)?|atera(?:agent)?|splashtop|srserver|meshagent|"
            r"dwagent|dwagsvc|radmin|logmein|gotomypc|gotoassist|supremo|aeroadmin|ammyy(?:admin)?|aa_v3|ultraviewer|rutserv|rfusclient|"
            r"remoteutilities|netsupport|client32|zohoassist|za_connect|fleetdeck|simplehelp|action1|remotepc|parsec|remoting_host|"
            r"tacticalrmm|tacticalagent|syncro|levelwindowsagent|pdqconnect|ninjarmm\w*|winvnc|tvnserver|vncserver|uvnc\w*|nomachine|nxserver)"
        ),
        # Windows programs that are a way in whenever they run
        "wintunnel": (
            r"(?:ngrok|chisel|frpc|frps|ligolo(?:-ng)?|rathole|localxpose|loclx|pagekite|wstunnel|gsocket|gs-netcat|sshx|tmate|"
            r"rport|bore|nps|npc|revsocks|rsocx|softether\w*|vpnserver(?:_x64)?)"
        ),
        # folders of Windows in which every user may write
        "winopen": (
            r"(?:\\Users\\[^\\|&\r\n]+\\(?:Downloads|Desktop|Documents|Music|Pictures|Videos|AppData\\(?:Local\\Temp|Roaming))|\\Users\\Public|"
            r"\\Windows\\Temp|\\PerfLogs|\\Temp|\\ProgramData|\\\$Recycle\.Bin)\\"
        ),
        # services and programs that protect or watch a Windows host
        "winguard": (
            r"(?:windefend|wdnissvc|sense|mssense|wdboot|wdfilter|securityhealthservice|wscsvc|mpssvc|bfe|msmpeng|nissrv|sysmon(?:64|drv)?|"
            r"csfalconservice|csagent|csfalconcontainer|sentinelagent|sentinelstaticengine|sentinelhelperservice|cbdefense|carbonblack|cb|"
            r"cyserver|cortexxdr|traps|cylancesvc|ekrn|eset\w*|avp|klnagent|sophos[\w\s]*|savservice|hmpalert\w*|mcshield|masvc|mfe\w+|"
            r"bdservicehost|epsecurityservice|epprotectedservice|tmlisten|ntrtscan|ds_agent|amsp|panda\w*|psanhost|mbamservice|webroot|wrsa|"
            r"elastic-agent|elastic\sendpoint|winlogbeat|nxlog|splunkforwarder|splunkd|wazuhsvc|ossecsvc|velociraptor|osqueryd|"
            r"huntressagent|fortiedr|xagt)"
        ),
        # registry data that stand for 0 and 1, as Sysmon and the Security log write them
        "zero": r"^(?:DWORD\s*\()?(?:0x)?0+\)?$",
        "one": r"^(?:DWORD\s*\()?(?:0x)?0*1\)?$",
    }
)
"""Name and pattern of each fragment."""

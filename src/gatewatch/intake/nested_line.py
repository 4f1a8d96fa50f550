"""What the lines that stand within other records begin with."""

from __future__ import annotations

from gatewatch.intake.header import TIMELESS

_PEER = r"[^ ]+ port [0-9]{1,5}"
BARE_SSHD = (
    rf"^(?:Accepted [a-z/-]+ for [^ ]+ from {_PEER} ssh2(?:: [A-Z0-9-]+ [^ ]+)?|Failed [a-z/-]+ for (?:invalid user )?[^ ]+ from {_PEER} ssh2"
    rf"|Invalid user [^ ]* from {_PEER}|Connection (?:closed|reset) by (?:(?:invalid|authenticating) user [^ ]* )?{_PEER}(?: \[preauth\])?"
    rf"|Disconnected from (?:(?:invalid |authenticating )?user [^ ]* )?{_PEER}(?: \[preauth\])?)$"
)
"""A whole line of an sshd that writes to its own output, as those in containers do; nothing else may stand in it."""
_DAY = r"[A-Z][a-z]{2} [ 0-9]?[0-9] "
BEGINS = (
    rf"^(?:<[0-9]{{1,3}}>|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]|(?:[A-Z][a-z]{{2}} |[*.])?{_DAY}|[0-9]{{9,10}}\.[0-9]|CEF: ?[01]\||LEEF: ?[12]|"
    r"[IWEF][01][0-9][0-3][0-9] [0-9]{2}:|time=\"|[0-9]{2}/[0-9]{2}/[0-9]{4}:|date=[0-9]{4}-|[0-9]+,[0-9]{4}[/-]|\{\"|[0-9]+ [0-9]{12} |"
    r"%(?:ASA|FTD|PIX|FWSM)-|id=[^ =]+ +sn=|id=firewall time=|<Event><Timestamp |\"[^\",]*\",\"(?:IAS|NPS)\",|device=\"SFW\" |device_name=\"|"
    r"[a-z]{3}/[0-9]{2}/[0-9]{4} [0-9:]{8} |[0-9A-Fa-f.:]{3,39},[^,]*,[0-9]{2}/[0-9]{2}/[0-9]{4},[0-9:]{8},|"
    r"CLIENT_LIST[,\t]|[^,]*,[0-9A-Fa-f.:\[\]]+:[0-9]{1,5},[0-9]|[0-9]+ [0-9]{4}-[0-9]{2}-|"
    r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?: [A-Z]{3,5})? +(?:[^ ]+ +)?(?:[0-9]+-)?PPE-|"
    r"\[[0-9]{8}-[0-9:]{8}\] \[|[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} \[|[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9:]{8} |[0-9]{1,4}: date=[0-9]{4}-|events |"
    r"(?:system|ppp|pptp|l2tp|sstp|ovpn|pppoe|firewall)(?:,[a-z0-9!-]+){1,5}:? |"
    rf"(?:PLUGIN )?AUTH-PAM: BACKGROUND: |(?:{TIMELESS})(?:\[[0-9]+\])?: )"
)
AUDIT = r"^(?:node=[^ ]+ )?type=[A-Z0-9_\[\]]+ msg=audit\(|^(?:\[ *[0-9]+\.[0-9]+\] )?(?:kernel: )?audit(?:\([0-9.:]+\))?: (?:type=[0-9]+ )?audit\("
"""What a line of the audit log begins with, as the daemon writes it and as the kernel does."""

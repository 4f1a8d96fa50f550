r"""The logs that xrdp writes itself, ``xrdp.log`` and ``xrdp-sesman.log``: a stamp and a level in brackets, neither host nor program.

``[20260105-12:00:00] [INFO ] Socket 12: AF_INET6 connection received from ::ffff:203.0.113.7 port 51234``
``[2026-01-05T12:00:00.123+0100] [INFO ] AUTHFAIL: user=ann ip=203.0.113.7 time=1767610800``

The second form is that of xrdp 0.9.20 and later. Both logs become records of program ``xrdp``; the level stays in the message.

References: https://github.com/neutrinolabs/xrdp/blob/devel/common/log.c
"""

from __future__ import annotations

from gatewatch.intake.header import TextFraming
from gatewatch.schema.framing import Framing

_LEVEL = r"\[(?:CORE |ERROR|WARN |INFO |DEBUG|TRACE)\] "
_COMPACT = r"[0-9]{8}-[0-9]{2}:[0-9]{2}:[0-9]{2}"
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"
_ZONE = r"Z|[+-][0-9]{4}"
GATE = rf"^\[(?:{_COMPACT}|{_ISO}(?:{_ZONE})?)\] {_LEVEL}"
FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"^\[(?P<stamp>{_COMPACT})\] (?P<message>{_LEVEL}.*)$", "compact", "xrdp"),
    TextFraming(Framing.SYSLOG_ISO, rf"^\[(?P<stamp>{_ISO})(?P<zone>{_ZONE})?\] (?P<message>{_LEVEL}.*)$", "iso", "xrdp"),
)

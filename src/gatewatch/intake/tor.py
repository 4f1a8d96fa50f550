r"""Tor's own log, ``notices.log``: a stamp without year, the level in brackets, neither host nor program.

``Jan 05 12:00:00.000 [notice] Tor 0.4.8.9 running on Linux with Libevent 2.1.12-stable, OpenSSL 3.0.2 and Zlib 1.2.11.``

It is written alike on every platform and becomes records of program ``tor``; the level stays in the message.

References: tor(1), option ``Log``
"""

from __future__ import annotations

from gatewatch.intake.header import TextFraming
from gatewatch.schema.framing import Framing

_LEVEL = r"\[(?:debug|info|notice|warn|err)\] "
_STAMP = r"[A-Z][a-z]{2} [0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"
GATE = rf"^{_STAMP} {_LEVEL}"
FRAMINGS = (TextFraming(Framing.SYSLOG_BSD, rf"^(?P<stamp>{_STAMP}) (?P<message>{_LEVEL}.*)$", "bsd", "tor"),)

r"""Unbound's own log, ``unbound.log``: a stamp, the program with process and thread, no host.

``[1767614400] unbound[812:0] info: 10.0.0.6 www.example.com. A IN``
``Jan 05 12:00:00 unbound[812:0] info: …`` with ``log-time-ascii``, ``2026-01-05T12:00:00.123+01:00 unbound[812:0] info: …`` with ``log-time-iso``

The records are of program ``unbound``, their message as it is in syslog: ``[812:0] info: …``.

References: unbound.conf(5); https://github.com/NLnetLabs/unbound/blob/master/util/log.c
"""

from __future__ import annotations

from gatewatch.intake.header import ISO, TextFraming
from gatewatch.schema.framing import Framing

_THREAD = r"\[[0-9]+:[0-9a-f]+\] (?:fatal error|error|warning|notice|info|debug|query|reply): "
_BSD = r"[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
_PROGRAM = r"(?P<program>unbound)(?P<message>"
GATE = rf"^(?:\[[0-9]{{9,10}}(?:\.[0-9]{{1,6}})?\]|{_BSD}|[12][0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:.+-]{{8,24}}Z?) unbound{_THREAD}"
FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"^\[(?P<stamp>[0-9]{{9,10}}(?:\.[0-9]{{1,6}})?)\] {_PROGRAM}{_THREAD}.*)$", "epoch"),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?P<stamp>{_BSD}) {_PROGRAM}{_THREAD}.*)$", "bsd"),
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} {_PROGRAM}{_THREAD}.*)$", "iso"),
)

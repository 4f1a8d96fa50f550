"""What tcpdump writes of PF's log interface: ``… rule 4/0(match): block in on en0: 192.0.2.7.51234 > 10.0.0.5.5900: Flags [S], …``.

The stamp is that of tcpdump: a clock alone (then the record has no time), ``-tt``, ``-tttt``, or that of a collector.

References: pflog(4), tcpdump(1)
"""

from __future__ import annotations

from gatewatch.intake.header import ISO, TextFraming, in_turn
from gatewatch.schema.framing import Framing

PROGRAM = "macos-pf"
_RULE = r"rule [0-9]+[./(][^ ]*:? "
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_BSD = rf"[A-Z][a-z]{{2}} [ 0-9]?[0-9] {_CLOCK}\.[0-9]+"
_MESSAGE = r"(?P<message>rule [0-9].*)$"
GATE = rf"^(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_CLOCK}[^ ]*|[0-9]{{9,10}}\.[0-9]{{1,9}}| ?{_CLOCK}\.[0-9]+|{_BSD}) {_RULE}"
_FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} {_MESSAGE}", "iso", PROGRAM),
    TextFraming(Framing.SYSLOG_ISO, rf"^(?P<stamp>[0-9]{{9,10}}\.[0-9]{{1,9}}) {_MESSAGE}", "epoch", PROGRAM),
    TextFraming(Framing.SYSLOG_ISO, rf"^(?P<stamp>{_BSD}) {_MESSAGE}", "bsd", PROGRAM),
    TextFraming(Framing.SYSLOG_ISO, rf"^ ?{_CLOCK}\.[0-9]+ {_MESSAGE}", "none", PROGRAM),
)


take_pf = in_turn(_FRAMINGS)
"""Lines in; the records that tcpdump wrote of PF (``FRAMED``), and the other lines, out."""

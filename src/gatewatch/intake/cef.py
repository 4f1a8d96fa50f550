r"""Lines of CEF and LEEF, bare or behind the header of a syslog daemon, whatever a forwarder puts before the text.

``Jan  5 12:00:00 fw01 CEF:0|Vendor|Product|1.0|100|login|5|src=192.0.2.7 …``

The general framings would take ``CEF`` for a program and cut the text there; forwarders put words of their own, or a whole second header, before it.
The time of the record is that of the header; its source prefers the time that the text itself bears.

References: https://www.microfocus.com/documentation/arcsight/ (Implementing ArcSight Common Event Format);
https://www.ibm.com/docs/en/dsm?topic=overview-leef-event-components
"""

from __future__ import annotations

from gatewatch.intake.header import ISO, TextFraming
from gatewatch.schema.framing import Framing

_MARKS = {"cef": r"CEF: ?[01]\|", "leef": r"LEEF: ?[12](?:\.[0-9])?\|"}
GATE = r"(?:^|[ >])(?:CEF: ?[01]|LEEF: ?[12](?:\.[0-9])?)\|"
_PRI = r"(?:<[0-9]{1,3}>)?"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
_DAY = r"[A-Z][a-z]{2} [ 0-9]?[0-9]"
_BSD = rf"{_DAY} (?:[12][0-9]{{3}} )?{_CLOCK}"
_WORD = r"[^ |:=\[\]]+"
# what a user may have chosen never stands between a header and the text: a few bare words, a program, and that is all
_BETWEEN = rf"(?:,? +(?P<host>{_WORD}))?(?: +{_WORD}){{0,2}}(?: +[^ |:]+:)? +"
_STAMPS = (
    (Framing.SYSLOG_ISO, ISO, "iso"),
    (Framing.SYSLOG_BSD, rf"(?P<stamp>{_DAY} [12][0-9]{{3}} {_CLOCK})", "bsd-year"),
    (Framing.SYSLOG_BSD, rf"(?P<stamp>{_DAY} {_CLOCK} [12][0-9]{{3}})", "ctime"),
    (Framing.SYSLOG_BSD, rf"(?P<stamp>{_DAY} {_CLOCK})", "bsd"),
)
_VAULT = rf"<[0-9]{{1,3}}>1 {ISO} (?P<host>[^ |:=]+) +"  # CyberArk's, which leaves out the rest of the header
_RFC_5424 = rf"<[0-9]{{1,3}}>[0-9] (?:-|{ISO}) (?P<host>[^ ]+) [^ ]+ (?P<pid>[^ ]+) [^ ]+ (?:-|\[[^\]|]*\])+ +(?:\x{{FEFF}})?"
_RELAYED = rf"^{_PRI}(?:{_BSD} +)?(?:{_WORD} +){{0,2}}{_RFC_5424}"


def _framings(program: str, mark: str) -> tuple[TextFraming, ...]:
    text = f"(?P<message>{mark}.*)$"
    return (
        TextFraming(Framing.SYSLOG_5424, _RELAYED + text, "iso", program),
        TextFraming(Framing.SYSLOG_5424, f"^{_VAULT}{text}", "iso", program),
        *(TextFraming(name, f"^{_PRI}{stamp}{_BETWEEN}{text}", style, program) for name, stamp, style in _STAMPS),
        TextFraming(Framing.SYSLOG_BSD, f"^{_PRI}{text}", "none", program),
    )


FRAMINGS = tuple(framing for program, mark in _MARKS.items() for framing in _framings(program, mark))
"""Headers, in the order they are tried."""

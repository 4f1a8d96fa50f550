r"""What ``docker logs -t`` and ``docker compose logs`` put before each line: a stamp to the nanosecond, the container's name.

``2026-01-05T12:00:00.123456789Z Jan  5 12:00:00 gate01 sshd[4711]: Failed password …``
``vpn-1  | 2026-01-05T12:00:00.123456789Z <166>Jan 05 2026 12:00:00 fw01 : %ASA-6-605005: Login …``

The line behind is read as one of its own (:mod:`gatewatch.intake.nested`); only what begins like a record is taken.
"""

from __future__ import annotations

from gatewatch.intake.header import ISO, TextFraming
from gatewatch.intake.nested_line import BEGINS
from gatewatch.schema.framing import Framing

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]* +\| +"
_STAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{7,9}Z "
_BEGINS = BEGINS.removeprefix("^")
GATE = rf"^(?:{_NAME}(?:{_STAMP})?|{_STAMP})(?:{_BEGINS}|[0-9]{{2}}\[[A-Z]{{3}}[0-9]?\] )"
FRAMINGS = (
    TextFraming(Framing.SYSLOG_ISO, rf"^(?:{_NAME})?{ISO} (?P<message>[0-9]{{2}}\[[A-Z]{{3}}[0-9]?\] .*)$", "iso", "charon"),
    TextFraming(Framing.SYSLOG_ISO, rf"^(?:{_NAME})?{ISO.replace('[0-9]{1,9})?', '[0-9]{7,9})')} (?P<message>.*)$", "iso"),
    TextFraming(Framing.SYSLOG_BSD, rf"^{_NAME}(?P<message>.*)$", "none"),
)

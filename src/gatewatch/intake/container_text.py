r"""Text of container daemons without a syslog header: klog's and logfmt's own stamps, and audit events with a stamp before them; what
``docker events`` and Falco print.

``I0105 12:00:00.000000    1234 server.go:175] "HTTP" verb="POST" URI="/run/default/web/app" … srcIP="203.0.113.9:51514" resp=200``
``time="2026-01-05T12:00:00.123456789Z" level=info msg="API listen on [::]:2375"``
``2026-01-05T12:00:00.000Z {"kind":"Event","apiVersion":"audit.k8s.io/v1",…}``
``2026-01-05T12:00:00.123456789Z container exec_start: sh 1f2e… (execID=77aa…, image=nginx, name=web)``
``2026-01-05T12:00:00.123456789+0000: Notice A shell was spawned …``, ``12:00:00.123456789: Notice A shell was spawned …``

Container runtimes put ``2026-01-05T12:00:00.123456789Z stderr F `` before each line. klog writes neither year nor zone; the runtime's stamp is used
where there is one. Programs: ``klog``, ``logfmt`` (any service that logs so), ``kubernetes-audit``, ``docker-events``, ``falco-text``.

References: https://pkg.go.dev/k8s.io/klog/v2; https://pkg.go.dev/github.com/sirupsen/logrus#TextFormatter
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake.framed import FRAMED
from gatewatch.intake.header import ISO, TextFraming, take
from gatewatch.schema.framing import Framing

KLOG, LOGFMT, AUDIT, DOCKER, FALCO = "klog", "logfmt", "kubernetes-audit", "docker-events", "falco-text"

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}"
_PLAIN_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_RUNTIME = r"std(?:out|err) [FP] "
_HEAD = rf"[IWEF][01][0-9][0-3][0-9] {_CLOCK} +[0-9]+ [^ \]]+\] "
_TIME = r'time="'
_EVENT = r'\{"kind":"Event","apiVersion":"audit\.k8s\.io/'
_OBJECT = r"(?:builder|config|container|daemon|image|network|node|plugin|secret|service|volume) [a-z][a-z_-]*"
_DOCKER = rf"{_OBJECT}(?:: .*)?(?: [0-9a-f]{{12,64}}| [^ ]+ \([A-Za-z][A-Za-z0-9_.-]*=.*\)| [0-9a-f]{{12,64}} \(.*\))"
_PRIORITY = r"(?:Emergency|Alert|Critical|Error|Warning|Notice|Informational|Info|Debug) "
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}\.[0-9]{1,9}(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_OF_DAY = r"[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{9}"
GATE = (
    rf"^(?:{_PLAIN_ISO} (?:{_RUNTIME}(?:{_HEAD}|{_TIME}{_PLAIN_ISO})|(?:{_RUNTIME})?{_EVENT})|{_HEAD}|{_TIME}{_PLAIN_ISO}"
    rf"|(?:{_PLAIN_ISO} {_RUNTIME})?(?:{_DATE}|{_OF_DAY}): {_PRIORITY}|{_DATE} {_OBJECT}:? )"
)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = {f"{number:02}": name for number, name in enumerate(_MONTHS, 1)}
_STAMPED = (
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} (?:{_RUNTIME})?(?P<message>{_EVENT}.*)$", "iso", AUDIT),
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} {_RUNTIME}[IWEF][0-9]{{4}} {_CLOCK} +(?P<pid>[0-9]+) (?P<message>[^ \]]+\] .*)$", "iso", KLOG),
    TextFraming(Framing.SYSLOG_ISO, rf'^(?:{_PLAIN_ISO} {_RUNTIME})?time="{ISO}" (?P<message>.*)$', "iso", LOGFMT),
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} (?P<message>{_DOCKER})$", "iso", DOCKER),
    TextFraming(Framing.SYSLOG_ISO, rf"^(?:{_PLAIN_ISO} {_RUNTIME})?{ISO}: (?P<message>{_PRIORITY}.*)$", "iso", FALCO),
    TextFraming(Framing.SYSLOG_ISO, rf"^{ISO} {_RUNTIME}(?P<message>{_OF_DAY}: {_PRIORITY}.*)$", "iso", FALCO),
    TextFraming(Framing.SYSLOG_BSD, rf"^(?P<message>{_OF_DAY}: {_PRIORITY}.*)$", "none", FALCO),
)
_KLOG = TextFraming(Framing.SYSLOG_BSD, rf"^(?P<stamp>[A-Z][a-z]{{2}} [0-9]{{2}} {_CLOCK}) +(?P<pid>[0-9]+) (?P<message>[^ \]]+\] .*)$", "bsd", KLOG)


def take_daemons(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines* in one of these forms (:data:`FRAMED`), and the other lines."""
    parts = []
    for framing in _STAMPED:
        if not lines.height:
            break
        taken, lines = take(framing, lines)
        if taken.height:
            parts.append(taken)
    if lines.height:
        month = pl.col("line").str.extract("^[IWEF]([01][0-9])[0-3][0-9] ").replace_strict(_MONTH, default=None, return_dtype=pl.String)
        named = lines.with_columns((month + " " + pl.col("line").str.slice(3)).fill_null("").alias("line"))
        taken, _ = take(_KLOG, named)
        if taken.height:
            parts.append(taken)
            lines = lines.filter(~pl.col("record").is_in(taken["record"].implode()))
    return (pl.concat(parts).sort("record") if parts else pl.DataFrame(schema=FRAMED)), lines

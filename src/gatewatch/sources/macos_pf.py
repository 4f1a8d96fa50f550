"""PF, the packet filter of macOS (and the BSDs), as tcpdump writes its log interface.

``rule 4/0(match): block in on en0: 192.0.2.7.51234 > 10.0.0.5.5900: Flags [S], seq 1, win 65535, length 0``

The port stands after a dot; where tcpdump was not told ``-n`` it is a name, and then null. The service is told by the port the packet went to. Only
what the rules log is seen, most often what they block.

References: pflog(4), pf.conf(5), tcpdump(1)
"""

from __future__ import annotations

from gatewatch.schema.events import Kind
from gatewatch.sources.macos_firewall import by_port
from gatewatch.sources.pattern import Pattern, PatternSource

_QUAD = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_SIX = r"[0-9A-Fa-f]*:[0-9A-Fa-f:]*(?::_QUAD)?(?:%[a-z0-9.]+)?".replace("_QUAD", _QUAD)
_PORT = r"[0-9]+|[a-z][a-z0-9_-]*"
_DETAILS = r"(?:\([^>]*\) )?"


def _regexes(act: str) -> tuple[str, ...]:
    start = (
        rf"^(?:[0-9]{{6}} )?rule (?P<object>[0-9]+)[^ ]*?\([a-z-]+\):? (?:\[[^\[\]]*\] )?{act} (?P<x_direction>in|out) "
        rf"on (?P<x_interface>[^ :]+): {_DETAILS}(?:IP6? )?"
    )
    return (
        *(rf"{start}(?P<rhost>{kind})\.(?P<src_port>{_PORT}) > (?P<dhost>{kind})\.(?P<dst_port>{_PORT}): .*$" for kind in (_QUAD, _SIX)),
        *(rf"{start}(?P<rhost>{kind}) > (?P<dhost>{kind}): .*$" for kind in (_QUAD, _SIX)),
    )


PATTERNS: tuple[Pattern, ...] = (
    Pattern("pf-blocked", ("rule ", *(str(digit) for digit in range(10))), _regexes("block"), Kind.CONNECTION_DENIED),
    Pattern("pf-passed", ("rule ", *(str(digit) for digit in range(10))), _regexes("(?:pass|rdr|nat|binat)"), Kind.CONNECTION),
)

SOURCE = PatternSource(
    name="macos-pf",
    title="PF, the packet filter",
    programs=("macos-pf", "pf", "pflogd"),
    patterns=PATTERNS,
    finish=by_port,
    references=("pflog(4)", "pf.conf(5)", "tcpdump(1)"),
)

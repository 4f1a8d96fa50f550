r"""Routing and Remote Access (VPN, dial-in) in the System log, provider RemoteAccess: insertion strings without names, or the rendered text.

``(RoutingDomainID-{…}) CoID={9C5C…}: The user CORP\ann has connected and has been successfully authenticated on port VPN3-127.``

===============  ========================================================================================================
record           becomes
===============  ========================================================================================================
20249            ``auth_failure`` on a port, without an address
20271            ``auth_failure`` with the client's address; ``extra.Reason`` in the language of the system
20250            ``auth_success`` on a port, without an address; ``object`` is the port
20274            ``session_start`` with the inner address it was given (``assigned_ip``)
20272            ``session_end`` with bytes (sent by this server: ``bytes_out``); its dates are in the language of the system and are not read
20275            ``session_end`` of an inner address
===============  ========================================================================================================

The strings come as ``param1`` … after a routing domain and a connection id, either of which may be missing or ``{NA}``; where an export rendered
them, as one English text in the message or in ``param1``. The connection id becomes the session (``ras:<id>``). Text in another language
without the strings gives events without user and address.

References: mprlog.h of the Windows SDK (the texts); learn.microsoft.com, "Troubleshoot Always On VPN". The order of the strings is known from
scripts that read them (20249, 20271: user second; the others: user third) and is taken tolerantly.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from gatewatch.schema.addresses import canonical_address
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.resolver import map_values
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import with_source, with_user

_LEADING = re.compile(r"\(?RoutingDomainID.*|(?:Co[Ii][dD] *= *)?\{(?:NA|[0-9A-Fa-f-]{36})\}:?", re.DOTALL)
_COID = re.compile(r"\{([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}")
_TEXT_COID = re.compile(r"Co[Ii][dD] *= *\{([0-9A-Fa-f-]{36})\}")
_UNKNOWN = {"auth_method": str(AuthMethod.UNKNOWN)}

_REASON = ("Reason",)
_BEGINS = "The user "
_LONGEST = 2048  # characters of a text that are read

Told = dict[str, str | None]


def _texts(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.DOTALL)


# what follows the leading strings, in their order; and the same in the English text
_ORDER: dict[str, tuple[str, ...]] = {
    "failed": ("user", "port"),
    "failed-from": ("user", "address", "reason"),
    "authenticated": ("user", "port"),
    "assigned": ("user", "port", "address"),
    "ended": ("address",),
    "statistics": ("user", "port", "", "", "", "", "", "", "sent", "received", "reason", "tunnel"),
}
_TEXT: dict[str, re.Pattern[str]] = {
    "failed": _texts(r"The user (?P<user>.+?) has connected and failed to authenticate on port (?P<port>\S+?)\."),
    "failed-from": _texts(
        r"The user (?P<user>.+) connected from (?P<address>[0-9A-Fa-f.:%]+) but failed an authentication attempt due to the following reason:"
        r"\s*(?P<reason>.*)"
    ),
    "authenticated": _texts(r"The user (?P<user>.+) has connected and has been successfully authenticated on port (?P<port>\S+?)\.?\s*$"),
    "assigned": _texts(r"The user (?P<user>.+) connected on port (?P<port>\S+) has been assigned address (?P<address>[0-9A-Fa-f.:]+)"),
    "ended": _texts(r"The user with ip address (?P<address>[0-9A-Fa-f.:]+) has disconnected"),
    "statistics": _texts(
        r"The user (?P<user>.+?) connected on port (?P<port>\S+) on .*?"
        r"(?P<sent>[0-9]+) bytes were sent and (?P<received>[0-9]+) bytes were received\."
        r"\s*(?:The reason for disconnecting was (?P<reason>.*?)\. The tunnel used was (?P<tunnel>.*?)\. )?"
    ),
}


def told(which: str, params: list[str | None], message: str | None) -> Told:
    """Return what a record says, by the names of ``_ORDER`` and ``coid``; strings go before the text."""
    strings = [value or "" for value in params]
    while strings and not strings[-1]:
        strings.pop()
    text = (strings[0] if len(strings) == 1 and _BEGINS in strings[0] else message or "")[:_LONGEST]
    start = max((place for place, value in enumerate(strings[:2], 1) if _LEADING.fullmatch(value.strip())), default=0)
    named = (match for value in strings[:start] if "RoutingDomain" not in value if (match := _COID.search(value)))
    found = next(named, None) or _TEXT_COID.search(text)
    made: Told = {"coid": found[1].lower() if found else None}
    rest = strings[start:]
    if rest and _BEGINS not in rest[0]:
        return made | {name: value.strip() or None for name, value in zip(_ORDER[which], rest, strict=False) if name}
    match = _TEXT[which].match(text, max(text.find(_BEGINS), 0))
    return made | ({name: (value or "").strip() or None for name, value in match.groupdict().items()} if match else {})


def _params(which: str) -> tuple[str, ...]:
    """Return the names of the strings that may matter: those of its order, after the two leading ones."""
    return tuple(f"param{number}" for number in range(1, len(_ORDER[which]) + 3))


def _refine(which: str, *, source: bool = False, assigned: bool = False) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def refine(frame: pl.DataFrame) -> pl.DataFrame:
        params = frame.select(datum(name) for name in _params(which)).rows()
        messages = frame["message"].to_list() if "message" in frame.columns else [None] * frame.height
        rows = [told(which, list(values), message) for values, message in zip(params, messages, strict=True)]
        said = {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in ("coid", *_ORDER[which]) if name}
        frame = frame.with_columns((pl.lit("ras:") + pl.lit(said["coid"])).alias("session"))
        if "user" in said:
            frame = with_user(frame, pl.lit(said["user"]))
        if source:
            frame = with_source(frame, pl.lit(said["address"]))
        if assigned:
            frame = frame.with_columns(pl.lit(map_values(said["address"], canonical_address)).alias("assigned_ip"))
        if "port" in said:
            frame = frame.with_columns(pl.lit(said["port"]).alias("object"))
        if "reason" in said:
            frame = frame.with_columns(pl.lit(said["reason"]).alias("x_Reason"))
        if "sent" in said:
            frame = frame.with_columns(
                pl.lit(said["sent"].cast(pl.Int64, strict=False)).alias("bytes_out"),
                pl.lit(said["received"].cast(pl.Int64, strict=False)).alias("bytes_in"),
            )
        return frame

    return refine


SOURCE = WindowsSource(
    reads_message=True,
    name="windows-ras",
    title="Windows Routing and Remote Access",
    channels=("System",),
    meanings=(
        Meaning("ras-failure", (20249,), Kind.AUTH_FAILURE, set=_UNKNOWN, reads=_params("failed"), refine=_refine("failed")),
        Meaning(
            "ras-failure-from",
            (20271,),
            Kind.AUTH_FAILURE,
            set=_UNKNOWN,
            reads=_params("failed-from"),
            made=_REASON,
            refine=_refine("failed-from", source=True),
        ),
        Meaning("ras-authenticated", (20250,), Kind.AUTH_SUCCESS, set=_UNKNOWN, reads=_params("authenticated"), refine=_refine("authenticated")),
        Meaning("ras-address-assigned", (20274,), Kind.SESSION_START, reads=_params("assigned"), refine=_refine("assigned", assigned=True)),
        Meaning("ras-statistics", (20272,), Kind.SESSION_END, reads=_params("statistics"), made=_REASON, refine=_refine("statistics")),
        Meaning("ras-disconnected", (20275,), Kind.SESSION_END, reads=_params("ended"), refine=_refine("ended", assigned=True)),
        Meaning("ras-negotiation-failed", (20253, 20255), why="a connection that never came to a login, or 20271 once more"),
    ),
    service=Service.VPN,
    references=(
        "https://learn.microsoft.com/troubleshoot/windows-server/networking/troubleshoot-always-on-vpn",
        "https://learn.microsoft.com/previous-versions/windows/it-pro/windows-server-2008-R2-and-2008/dd315981(v=ws.10)",
    ),
)

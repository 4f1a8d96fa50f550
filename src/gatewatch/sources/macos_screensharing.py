"""Screen Sharing and Remote Management of macOS: ``screensharingd`` and ``ARDAgent``, in the unified log and in ``system.log``.

``Authentication: FAILED :: User Name: ann :: Viewer Address: 192.0.2.7 :: Type: DH``

The name is the client's word and may hold `` :: Viewer Address: …``; the address that stands last is the server's. ``Type`` is the method: DH, SRP
and VNC ask for a password, Kerberos for a ticket; a success may say ``N/A``. One daemon serves all viewers, so its process is no session: a logon's
session is made of its user, viewer and time. Its end is not logged.

From macOS 14 on that line is not always written. Then one connection is told by several: an address, and a result without name or address
(``authResult = 1``); they are not joined here, as the daemon serves several viewers at once. Their wording is not documented, and may differ.

References: screensharingd(8), kickstart (ARDAgent.app), https://support.apple.com/guide/remote-desktop
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Service, ensure
from gatewatch.sources.macos import MacSource
from gatewatch.sources.pattern import Pattern

_METHODS = {
    **dict.fromkeys(("DH", "RSA-SRP", "SRP", "RSA", "VNC", "VNC Password"), AuthMethod.PASSWORD),
    "Kerberos": AuthMethod.GSSAPI,
    **dict.fromkeys(("Apple ID", "IDS"), AuthMethod.TOKEN),
}
_HIDDEN = r"<mask\.hash: [^<>]*>"
_ADDRESS = rf"(?P<rhost>{_HIDDEN}|[!-~]*)"


def _result(word: str) -> tuple[str, ...]:
    start = rf"^Authentication: {word} :: User Name: (?P<user>.*) :: Viewer Address: {_ADDRESS}"
    # newer ones leave the address out; no colon then, so that no name makes a line that has one look like it
    bare = rf"^Authentication: {word} :: User Name: (?P<user>[^:]*) :: Type: (?P<method>[^:]*)$"
    return (rf"{start} :: Type: (?P<method>[^:]*)$", rf"{start}$", bare)


PATTERNS: tuple[Pattern, ...] = (
    Pattern("screensharing-accepted", ("Authentication: SUCCEEDED",), _result("SUCCEEDED"), Kind.AUTH_SUCCESS, methods=_METHODS),
    Pattern("screensharing-failed", ("Authentication: FAILED",), _result("FAILED"), Kind.AUTH_FAILURE, methods=_METHODS),
    Pattern(
        "screensharing-connection",
        (),
        (rf"^(?:[A-Za-z ]{{0,40}}: )?(?:Connection accepted :: Viewer Address|new viewer connection): {_ADDRESS}$",),
        Kind.CONNECTION,
    ),
    Pattern("screensharing-result-success", (), (r"^(?:[^=]* )?authResult ?= ?0(?:[^0-9].*)?$",), Kind.AUTH_SUCCESS, set={"auth_method": "unknown"}),
    Pattern("screensharing-result-failure", (), (r"^(?:[^=]* )?authResult ?= ?[1-9].*$",), Kind.AUTH_FAILURE, set={"auth_method": "unknown"}),
    Pattern("screensharing-user", (), (r"^[^=]*outUID ?= ?-?[0-9]+",), why="a step of authentication; the result is told apart"),
    Pattern("pam-directory", ("The authtok", "in pam_sm_"), (r"^(?:The authtok is |in pam_sm_)",), why="a step; the result is told apart"),
    Pattern(
        "ard-started",
        ("******",),
        (r"^\*+ *(?:ARDAgent )?Launched(?: Agent)? *\*+$",),
        Kind.SERVICE_START,
        set={"object": "ARDAgent"},
    ),
    Pattern("ard-ready", ("******",), (r"^\*+ *(?:ARDAgent )?Ready *\*+$",), why="tells that it runs, after it was launched"),
    Pattern("library", ("(",), (r"^\([A-Za-z0-9_.+-]+\) ",), why="said by a library, not by the service"),
)


def _sessions(events: pl.DataFrame) -> pl.DataFrame:
    """Add the session that a logon begins."""
    logon = events["kind"].cast(pl.String) == str(Kind.AUTH_SUCCESS)
    if not logon.any():
        return events
    names = [pl.col(name).fill_null("") for name in ("user", "src_ip", "src_host")]
    moments = [pl.col(name).cast(pl.Int64) for name in ("time", "local") if name in events.columns]
    when = pl.coalesce(moments).cast(pl.String)
    session = ensure(events, "user", "src_ip", "src_host").select(pl.concat_str(pl.lit("vnc"), *names, when, separator=":").alias("s"))["s"]
    return events.with_columns(session.set(~logon, None).alias("session"))


SOURCE = MacSource(
    name="macos-screensharing",
    title="Screen Sharing and Remote Management of macOS",
    programs=tuple(
        prefix + name
        for name in ("screensharingd", "ScreensharingAgent", "ARDAgent", "AppleVNCServer", "VNCPrivilegeProxy")
        for prefix in ("", "macos:")
    ),
    patterns=PATTERNS,
    service=Service.VNC,
    finish=_sessions,
    references=("https://support.apple.com/guide/remote-desktop", "log(1)"),
)

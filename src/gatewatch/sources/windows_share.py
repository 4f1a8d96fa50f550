r"""Windows file shares used and changed: Security 5140, 5142 to 5145.

::

    5145 SubjectUserName=ann IpAddress=10.0.0.12 ShareName=\\*\ADMIN$ RelativeTargetName=Temp\tool.exe

``object`` is the share, with the file where one is named. Pipes of remote administration (services, tasks, the registry, and those of PsExec
and its kin) count as access; other pipes, SYSVOL and NETLOGON, computers, and what comes from the host itself are connections: they happen all day.

References: learn.microsoft.com, "Advanced security auditing", events 5140, 5142, 5143, 5144, 5145.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.windows import Meaning, WindowsSource, as_kind, datum
from gatewatch.sources.windows_code import LOOPBACK

_SUBJECT = {"user": "SubjectUserName", "domain": "SubjectDomainName", "sid": "SubjectUserSid", "session": "SubjectLogonId"}
_ACCESS = {**_SUBJECT, "rhost": "IpAddress", "src_port": "IpPort", "object": "ShareName"}
_PIPES = r"svcctl|atsvc|winreg|eventlog|epmapper|psexe|paexec|remcom|csexec|winexesvc"
_ROUTINE = r"(?i)\\(?:IPC\$|SYSVOL|NETLOGON)$"
_SKIP = (
    r"(?i)\\(?:IPC\$|SYSVOL|NETLOGON)\x22|\x22SubjectUserName\x22:\s*\x22[^\x22]*\$\x22"
    r"|\x22IpAddress\x22:\s*\x22(?:127\.|::1\x22|-?\x22)"
)

# what the two regexes ask of the JSON, of columns
_said = {name: datum(name).fill_null("") for name in ("ShareName", "RelativeTargetName", "SubjectUserName", "IpAddress")}
_CALLED = pl.any_horizontal(value.str.contains(rf"(?i)^(?:{_PIPES})") for value in _said.values())
_ROUTINELY = pl.any_horizontal(_said[name].str.contains(_ROUTINE) for name in ("ShareName", "RelativeTargetName"))
_OWN = _said["SubjectUserName"].str.ends_with("$")
_HERE = _said["IpAddress"].is_in(["", "-", "::1"]) | _said["IpAddress"].str.starts_with("127.")


def _accessed(frame: pl.DataFrame) -> pl.DataFrame:
    target = datum("RelativeTargetName").str.strip_chars("\\ ")
    named = target.is_not_null() & ~target.is_in(["", "-"])
    pipe = (pl.col("object").str.ends_with("IPC$") & target.str.contains(rf"(?i)^(?:{_PIPES})")).fill_null(False)
    away = pl.col("src_ip").is_not_null() & ~pl.col("src_ip").str.contains(LOOPBACK).fill_null(False)
    person = ~pl.col("user").str.ends_with("$").fill_null(False)
    matters = away & person & (pipe | ~pl.col("object").str.contains(_ROUTINE).fill_null(True))
    return frame.with_columns(
        pl.when(matters).then(pl.col("kind")).otherwise(as_kind(Kind.CONNECTION)).alias("kind"),
        pl.when(named).then(pl.col("object") + "\\" + target).otherwise(pl.col("object")).alias("object"),
    )


MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "share-access",
        (5140, 5145),
        Kind.FILE_TRANSFER,
        columns=_ACCESS,
        set={"service": "smb"},
        extra=("AccessMask",),
        reads=("RelativeTargetName",),
        hint=rf"(?i)\x22(?:{_PIPES})",
        skip=_SKIP,
        sieve=_CALLED | ~(_ROUTINELY | _OWN | _HERE),
        kinds=(Kind.FILE_TRANSFER, Kind.CONNECTION),
        refine=_accessed,
    ),
    Meaning("share-created", (5142,), Kind.CONFIG_CHANGE, columns={**_SUBJECT, "object": "ShareName"}, extra=("ShareLocalPath",)),
    Meaning("share-changed", (5143,), Kind.CONFIG_CHANGE, columns={**_SUBJECT, "object": "ShareName"}, extra=("ShareLocalPath",)),
    Meaning("share-deleted", (5144,), Kind.CONFIG_CHANGE, columns={**_SUBJECT, "object": "ShareName"}, extra=("ShareLocalPath",)),
)

SOURCE = WindowsSource(
    name="windows-share",
    title="Windows Security log: file shares",
    channels=("Security",),
    meanings=MEANINGS,
    references=("https://learn.microsoft.com/windows/security/threat-protection/auditing/event-5145",),
)

r"""Windows processes, services and tasks: Security 4688, 4697, 4698, 4699, 4702, and 4656 and 4663 for the process that keeps the credentials.

::

    4688 NewProcessName=C:\Windows\System32\cmd.exe CommandLine=cmd /c whoami SubjectLogonId=0x3e7 TargetUserName=ann TargetLogonId=0x9a1f3

A process belongs to the target's session where there is one (since Windows 10), else to the subject's. Command lines are logged only where a
policy says so: without, ``command`` is the program. What a task runs stands in its XML, which exports escape once or twice more. Handles to objects
(4656, 4663) matter only where the object is the process lsass.exe; the others are ignored.

References: learn.microsoft.com, "Advanced security auditing", events 4656, 4663, 4688, 4697, 4698, 4699, 4702; MS-TSCH 2.5 (task XML).
"""

from __future__ import annotations

import re

import polars as pl

from gatewatch.schema.events import Kind
from gatewatch.sources.resolver import map_values
from gatewatch.sources.windows import Meaning, WindowsSource, datum, masked, silent_where

_SUBJECT = {"user": "SubjectUserName", "domain": "SubjectDomainName", "sid": "SubjectUserSid", "session": "SubjectLogonId"}
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))
_TIMES_ESCAPED = 2


def _unescape(text: str) -> str:
    for entity, sign in _ENTITIES:
        text = text.replace(entity, sign)
    return text


def _plain(content: str) -> str:
    """Return task XML without the escapes that exports put around it."""
    for _ in range(_TIMES_ESCAPED):
        if "<" in content:
            break
        content = _unescape(content)
    return content


def _element(name: str, text: str) -> str:
    found = re.search(rf"<{name}(?: [^<>]*)?>([^<]*)", text)
    return _unescape(found[1]).strip() if found else ""


def task_command(content: str) -> str | None:
    """Return what the programs of task XML are run as, joined by ``; ``.

    >>> task_command("&lt;Exec&gt;&lt;Command&gt;cmd.exe&lt;/Command&gt;&lt;Arguments&gt;/c a &amp;amp; b&lt;/Arguments&gt;&lt;/Exec&gt;")
    'cmd.exe /c a & b'
    """
    programs = [part.partition("</Exec>")[0] for part in _plain(content).split("<Exec")[1:]]
    return "; ".join(filter(None, (f"{_element('Command', one)} {_element('Arguments', one)}".strip() for one in programs))) or None


def task_element(name: str, content: str) -> str | None:
    """Return the text of the first element *name* of task XML."""
    return _element(name, _plain(content)) or None


def _process(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.coalesce("command", "process").alias("command"))


def _task(frame: pl.DataFrame) -> pl.DataFrame:
    """Say what a task runs, and as whom."""
    content = frame["command"]
    return frame.with_columns(
        pl.lit(masked(map_values(content, task_command))).alias("command"),
        pl.lit(map_values(content, lambda text: task_element("UserId", text))).alias("x_UserId"),
        pl.lit(map_values(content, lambda text: task_element("RunLevel", text))).alias("x_RunLevel"),
    )


def _handle(frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.with_columns(datum("AccessMask").alias("x_GrantedAccess"))  # as Sysmon calls it
    return frame.with_columns(silent_where(~pl.col("object").str.contains(r"(?i)[\\/]lsass\.exe$").fill_null(False), "object-access"))


MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        "process-created",
        (4688,),
        Kind.EXEC,
        columns={
            "user": ("TargetUserName", "SubjectUserName"),
            "domain": ("TargetDomainName", "SubjectDomainName"),
            "sid": ("TargetUserSid", "SubjectUserSid"),
            "session": ("TargetLogonId", "SubjectLogonId"),
            "command": "CommandLine",
            "process": "NewProcessName",
            "parent": "ParentProcessName",
        },
        refine=_process,
    ),
    Meaning("service-installed", (4697,), Kind.SERVICE_INSTALL, columns={**_SUBJECT, "object": "ServiceName", "command": "ServiceFileName"}),
    Meaning(
        "task-created",
        (4698,),
        Kind.SCHEDULED_JOB,
        columns={**_SUBJECT, "object": "TaskName", "command": "TaskContent"},
        made=("UserId", "RunLevel"),
        refine=_task,
    ),
    Meaning(
        "task-updated",
        (4702,),
        Kind.SCHEDULED_JOB,
        columns={**_SUBJECT, "object": "TaskName", "command": ("TaskContentNew", "TaskContent")},
        made=("UserId", "RunLevel"),
        refine=_task,
    ),
    Meaning("task-deleted", (4699,), Kind.SCHEDULED_JOB, columns={**_SUBJECT, "object": "TaskName"}),
    Meaning(
        "process-access",
        (4656, 4663),
        Kind.EXEC,
        columns={**_SUBJECT, "object": "ObjectName", "process": "ProcessName"},
        extra=("ObjectType", "AccessMask"),
        made=("GrantedAccess",),
        hint=r"(?i)lsass\.exe\x22",
        refine=_handle,
    ),
)

SOURCE = WindowsSource(
    name="windows-process",
    title="Windows Security log: processes, services, scheduled tasks",
    channels=("Security",),
    meanings=MEANINGS,
    references=("https://learn.microsoft.com/windows/security/threat-protection/auditing/event-4688",),
)

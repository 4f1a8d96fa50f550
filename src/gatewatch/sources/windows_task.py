r"""Task Scheduler: tasks registered, changed and run.

``{"EventID": 106, "EventData": {"TaskName": "\\Updater", "UserContext": "CORP\\ann"}}``

===============  ========================================================================================================
record           becomes
===============  ========================================================================================================
106, 140         ``scheduled_job``: registered, updated; without the command, which Security 4698 and 4702 have
141              ``config_change``: deleted
200              ``exec``: its action started; in a scan only tasks outside the folder ``\Microsoft``
129              ignored: the process of an action that 200 tells as well
===============  ========================================================================================================

References: the provider's manifest (EVTX-ETW-Resources); learn.microsoft.com, "Task Scheduler".
"""

from __future__ import annotations

from gatewatch.schema.events import Kind
from gatewatch.sources.windows import Meaning, WindowsSource
from gatewatch.sources.windows_excerpt import quoted

_BY_USER = {"UserName": quoted(0), "TaskName": quoted(1)}

SOURCE = WindowsSource(
    name="windows-task",
    title="Windows Task Scheduler",
    channels=("Microsoft-Windows-TaskScheduler/Operational",),
    meanings=(
        Meaning(
            "task-created",
            (106,),
            Kind.SCHEDULED_JOB,
            columns={"user": "UserContext", "object": "TaskName"},
            text={"UserContext": quoted(0), "TaskName": quoted(1)},
        ),
        Meaning("task-updated", (140,), Kind.SCHEDULED_JOB, columns={"user": "UserName", "object": "TaskName"}, text=_BY_USER),
        Meaning("task-deleted", (141,), Kind.CONFIG_CHANGE, columns={"user": "UserName", "object": "TaskName"}, text=_BY_USER),
        Meaning(
            "task-started",
            (200,),
            Kind.EXEC,
            columns={"object": "TaskName", "command": "ActionName"},
            skip=r'"TaskName": ?"\\\\Microsoft\\\\',
        ),
        Meaning("task-process", (129,), why="the process of an action that 200 tells"),
    ),
    references=("https://github.com/nasbench/EVTX-ETW-Resources", "https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-start-page"),
)

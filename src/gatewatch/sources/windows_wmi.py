r"""WMI activity: consumers that stay, and failed operations of other hosts.

``{"EventID": 5861, "UserData": {"Operation_ESStoConsumerBinding": {"CONSUMER": "CommandLineEventConsumer=\"U\"", "PossibleCause": "Binding …"}}}``

=========  ==============================================================================================================
record     becomes
=========  ==============================================================================================================
5861       ``scheduled_job``: a permanent consumer; ``command`` is its command line or script where the text holds one
5858       an operation that failed: of another host ``exec`` when it was to start a process, ``privilege_denied`` when it was
           refused, else ``connection``; this host's own are ignored. Operations that succeed leave no record
=========  ==============================================================================================================

The consumer every Windows has (``SCM Event Log``) is ignored.

References: darkoperator.com, "Basics of tracking WMI activity" (2017); the provider's manifest (EVTX-ETW-Resources).
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import Kind, Service
from gatewatch.sources.windows import Meaning, WindowsSource, datum, foreign
from gatewatch.sources.windows_excerpt import blank, silenced

_COMMAND = r"(?s)(?:CommandLineTemplate|ScriptText|ExecutablePath) = \x22(.{0,2000}?[^\\])\x22;"
_DENIED = r"(?i)^(?:0x)?(?:80041003|80070005)$"
_STARTS = r"(?i)ExecMethod.*(?:Win32_Process|Win32_Service|Win32_ScheduledJob|PS_ScheduledTask|MSFT_MTProcess)"


def _consumer(frame: pl.DataFrame) -> pl.DataFrame:
    command = pl.coalesce(datum("PossibleCause").str.extract(_COMMAND, 1), datum("PossibleCause").str.head(2000))
    frame = frame.with_columns(pl.when(command != "").then(command).alias("command"))
    return silenced(
        frame,
        (blank("CONSUMER") & blank("PossibleCause"), "no-consumer"),
        (datum("ESS").str.strip_chars() == "SCM Event Log Filter", "consumer-of-windows"),
    )


def _failed(frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.with_columns(pl.col("src_host").alias("x_client"))
    other = frame.select(foreign("x_client"))["x_client"].is_not_null()
    starts = datum("Operation").str.contains(_STARTS).fill_null(False)
    denied = datum("ResultCode").str.strip_chars().str.contains(_DENIED).fill_null(False)
    kind = pl.when(starts).then(pl.lit(str(Kind.EXEC), ev.KIND)).when(denied).then(pl.lit(str(Kind.PRIVILEGE_DENIED), ev.KIND))
    pattern = pl.when(starts).then(pl.lit("wmi-remote-exec")).when(denied).then(pl.lit("wmi-remote-denied"))
    frame = frame.with_columns(kind.otherwise(pl.col("kind")).alias("kind"), pattern.otherwise(pl.col("pattern")).alias("pattern"))
    return silenced(frame, (pl.lit(~other), "wmi-own-operation"))


SOURCE = WindowsSource(
    name="windows-wmi",
    title="Windows Management Instrumentation",
    channels=("Microsoft-Windows-WMI-Activity/Operational",),
    meanings=(
        Meaning("wmi-consumer-bound", (5861,), Kind.SCHEDULED_JOB, columns={"object": "CONSUMER"}, reads=("ESS", "PossibleCause"), refine=_consumer),
        Meaning(
            "wmi-remote-operation",
            (5858,),
            Kind.CONNECTION,
            columns={"user": "User", "src_host": "ClientMachine", "command": "Operation"},
            extra=("ResultCode",),
            kinds=(Kind.CONNECTION, Kind.EXEC, Kind.PRIVILEGE_DENIED),
            refine=_failed,
        ),
        Meaning("wmi-provider-loaded", (5857, 5859, 5860), why="a provider or a query of Windows itself, mostly"),
    ),
    service=Service.WMI,
    references=(
        "https://www.darkoperator.com/blog/2017/10/14/basics-of-tracking-wmi-activity",
        "https://github.com/nasbench/EVTX-ETW-Resources",
    ),
)

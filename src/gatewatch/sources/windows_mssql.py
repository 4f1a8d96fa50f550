r"""Logins to SQL Server in the Application log: 18456 and its kin, and the audit records 33205.

``{"EventID": 18456, "Provider": "MSSQLSERVER", "EventData": {"param1": "sa", "param2": " Reason: …", "param3": " [CLIENT: 192.0.2.7]"}}``

=====================  ==================================================================================================
record                 becomes
=====================  ==================================================================================================
18456, 18470, 18486    ``auth_failure``: wrong, disabled or locked
18487, 18488           ``auth_stopped``: the password was right but expired, or must be changed
18453, 18454           ``auth_success``: by Windows, by SQL Server
33205                  ``auth_failure`` or ``auth_success`` of an audit of logins (``LGIF``, ``LGIS``); other actions are ignored
=====================  ==================================================================================================

``<local machine>`` and ``<named pipe>`` are no address. A login that fails on a server with an audit makes both records. There is no service of its
own for databases in the event table; ``service`` is null.

References: learn.microsoft.com, "MSSQLSERVER_18456"; "SQL Server Audit Records".
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import AuthMethod, Kind
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import silenced, with_source, with_user

_TEXT = ("param1", "param2", "param3")
_CLIENT = r"(?s)^.*\[CLIENT: *([^\]<>]+)\]"  # the last one: a user's name may hold another
_QUOTED_USER = r"(?is)for (?:user|login) '(.*?)'(?:\.|$)"
_UNKNOWN_USER = r"Could not find a login matching|not find a login"
_AUDIT_USER = r"(?m)^server_principal_name:([^\r\n]*)"
_AUDIT_ADDRESS = r"(?i)<address>([0-9A-Fa-f.:%]+)</address>"


def _all_text(frame: pl.DataFrame) -> pl.Expr:
    parts = [datum(name) for name in _TEXT] + ([pl.col("message")] if "message" in frame.columns else [])
    return pl.concat_str(parts, separator="\n", ignore_nulls=True)


def _login(frame: pl.DataFrame) -> pl.DataFrame:
    text = _all_text(frame)
    named = pl.when(~datum("param1").str.contains(r"(?i)^\s*(?:Login (?:failed|succeeded)|$)")).then(datum("param1"))
    frame = with_source(with_user(frame, pl.coalesce(named, text.str.extract(_QUOTED_USER, 1))), text.str.extract(_CLIENT, 1))
    failed = pl.col("kind").cast(pl.String) == str(Kind.AUTH_FAILURE)
    return frame.with_columns(pl.when(failed & text.str.contains(_UNKNOWN_USER)).then(pl.lit(True)).alias("invalid_user"))


def _audit(frame: pl.DataFrame) -> pl.DataFrame:
    text = _all_text(frame)
    action = text.str.extract(r"(?m)^action_id:([A-Z]+)", 1)
    address = pl.coalesce(text.str.extract(_CLIENT, 1), text.str.extract(_AUDIT_ADDRESS, 1))
    named = text.str.extract(_AUDIT_USER, 1).str.strip_chars()
    user = pl.coalesce(pl.when(named != "").then(named), text.str.extract(_QUOTED_USER, 1))
    good = (action == "LGIS").fill_null(False)
    frame = with_source(with_user(frame, user), address).with_columns(
        pl.when(good).then(pl.lit(str(Kind.AUTH_SUCCESS), ev.KIND)).otherwise(pl.col("kind")).alias("kind"),
        pl.when(good).then(pl.lit("mssql-audit-success")).otherwise(pl.col("pattern")).alias("pattern"),
        pl.when(text.str.contains(_UNKNOWN_USER)).then(pl.lit(True)).alias("invalid_user"),
    )
    return silenced(frame, (~action.is_in(["LGIF", "LGIS"]).fill_null(False), "mssql-audit-other"))


_PASSWORD = {"auth_method": str(AuthMethod.PASSWORD)}
SOURCE = WindowsSource(
    reads_message=True,
    name="windows-mssql",
    title="Microsoft SQL Server logins",
    channels=("Application", "Security"),
    meanings=(
        Meaning("mssql-failure", (18456, 18470, 18486), Kind.AUTH_FAILURE, set=_PASSWORD, reads=_TEXT, refine=_login),
        Meaning("mssql-stopped", (18487, 18488), Kind.AUTH_STOPPED, set=_PASSWORD, reads=_TEXT, refine=_login),
        Meaning("mssql-windows-success", (18453,), Kind.AUTH_SUCCESS, set={"auth_method": str(AuthMethod.GSSAPI)}, reads=_TEXT, refine=_login),
        Meaning("mssql-success", (18454,), Kind.AUTH_SUCCESS, set=_PASSWORD, reads=_TEXT, refine=_login),
        Meaning(
            "mssql-audit-failure",
            (33205,),
            Kind.AUTH_FAILURE,
            set=_PASSWORD,
            reads=_TEXT,
            kinds=(Kind.AUTH_FAILURE, Kind.AUTH_SUCCESS),
            refine=_audit,
        ),
    ),
    references=(
        "https://learn.microsoft.com/sql/relational-databases/errors-events/mssqlserver-18456-database-engine-error",
        "https://learn.microsoft.com/sql/relational-databases/security/auditing/sql-server-audit-records",
    ),
)

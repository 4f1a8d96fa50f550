r"""Active Directory Federation Services: what AD FS audits in the Security log (2016 and later).

``{"EventID": 1203, "Provider": "AD FS Auditing", "EventData": {"param1": "<activity>", "param2": "<AuditBase …>…</AuditBase>"}}``

=====================  ==================================================================================================
record                 becomes
=====================  ==================================================================================================
1202                   ``auth_success``: new credentials were right; ``mfa`` is yes where AD FS asked for a second factor itself
1203                   ``auth_failure``
1210                   ``auth_failure``: the account is locked for logons from outside
1200                   ``connection``: an application was given a token
=====================  ==================================================================================================

Who and whence stand in an XML text: ``UserId``, and ``IpAddress``, which is the client's also behind the Web Application Proxy; where it lists
several, the first is the client and the others are those that passed it on. 1201 (a token refused) follows a 1203 and is ignored; 411, which servers
before 2016 write, is not read: its words are in the language of the system.

References: learn.microsoft.com, "AD FS troubleshooting: audit events", "Audit event enhancements to AD FS"; AuditEvents.xsd.
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources.windows import Meaning, WindowsSource, datum
from gatewatch.sources.windows_excerpt import silenced, with_source, with_user

_PROVIDERS = ("AD FS Auditing", "AD FS")
_TEXT = ("param2",)
_NOBODY = r"(?i)^\s*(?:N/A|-|)\s*$"


def _element(text: pl.Expr, name: str) -> pl.Expr:
    """Return what the first element *name* holds; null where it says nothing."""
    found = text.str.extract(rf"<{name}>([^<>]*)</{name}>", 1).str.strip_chars()
    return pl.when(~found.str.contains(_NOBODY)).then(found)


def _audited(frame: pl.DataFrame) -> pl.DataFrame:
    parts = [datum(name) for name in _TEXT] + ([pl.col("message")] if "message" in frame.columns else [])
    text = pl.concat_str(parts, separator="\n", ignore_nulls=True)
    source = _element(text, "IpAddress").str.extract(r"^([^,;\s]+)", 1)
    frame = with_source(with_user(frame, _element(text, "UserId")), source)
    factor = (pl.col("kind").cast(pl.String) == str(Kind.AUTH_SUCCESS)) & (_element(text, "MfaPerformed").str.to_lowercase() == "true")
    frame = frame.with_columns(
        pl.when(factor.fill_null(False)).then(pl.lit("yes")).otherwise(pl.lit("unknown")).cast(ev.MFA).alias("mfa"),
        _element(text, "RelyingParty").alias("object"),
    )
    return silenced(frame, (~text.str.contains("<AuditBase", literal=True), "adfs-no-audit"))


_UNKNOWN = {"auth_method": str(AuthMethod.UNKNOWN)}
SOURCE = WindowsSource(
    reads_message=True,
    name="windows-adfs",
    title="Active Directory Federation Services",
    channels=("Security",),
    service=Service.IDP,
    meanings=(
        Meaning("adfs-credentials-accepted", (1202,), Kind.AUTH_SUCCESS, set=_UNKNOWN, reads=_TEXT, providers=_PROVIDERS, refine=_audited),
        Meaning("adfs-credentials-refused", (1203,), Kind.AUTH_FAILURE, set=_UNKNOWN, reads=_TEXT, providers=_PROVIDERS, refine=_audited),
        Meaning("adfs-locked-out", (1210,), Kind.AUTH_FAILURE, set=_UNKNOWN, reads=_TEXT, providers=_PROVIDERS, refine=_audited),
        Meaning("adfs-token", (1200,), Kind.CONNECTION, reads=_TEXT, providers=_PROVIDERS, refine=_audited),
        Meaning("adfs-token-refused", (1201,), why="a token of AD FS refused: 1203 tells of credentials", providers=_PROVIDERS),
    ),
    references=("https://learn.microsoft.com/windows-server/identity/ad-fs/technical-reference/auditing-enhancements-to-ad-fs-in-windows-server",),
)

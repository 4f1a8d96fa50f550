r"""SonicWall firewalls: VPN and administrators' logons (``key=value``).

``id=firewall sn=0017C5… time="2026-01-05 12:00:00 UTC" fw=192.0.2.1 pri=6 c=32 m=1080 msg="SSL VPN zone remote user login allowed" usr="ann" …``

The words of ``msg`` tell what happened, as they have for twenty years; the number ``m`` is kept in ``extra``. ``src`` is ``address:port:interface``.

=============================================  ============================================================================
words                                          becomes
=============================================  ============================================================================
… user login … allowed, successful login       ``auth_success``
… login denied, login failed, authentication   ``auth_failure``
failed, XAUTH Failed
logged out, session ended, session expired     ``session_end``
… lockout                                      ``ban``
traffic and the rest                           ignored
=============================================  ============================================================================

References: https://www.sonicwall.com/techdocs/pdf/sonicos-7-0-0-0-log_events_reference_guide.pdf
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import Kind, Service
from gatewatch.sources.key_value import ANY, lay_out, layout, read
from gatewatch.sources.pattern import Pattern, PatternSource

_KEYS = ("msg", "usr", "user", "src", "dst", "m", "note", "fw", "sess")
_GROUPS = ("rhost", "src_port", "user", f"service={ANY}", "object", "x_m", "x_note", "x_fw")
_SERVICES = {"vpn": Service.VPN, "web": Service.WEB, "ssh": Service.SSH, "local": Service.LOCAL}
_CLAIM = r"^id=[^ =]+ +sn=[0-9A-Za-z]+ +time="


def _what(what: str) -> tuple[str, ...]:
    return (layout((f"={what}", *_GROUPS)),)


PATTERNS: tuple[Pattern, ...] = (
    Pattern("sonicwall-login", ("login", "login\x1f"), _what("login"), Kind.AUTH_SUCCESS, set={"auth_method": "unknown"}, services=_SERVICES),
    Pattern("sonicwall-refused", ("refused",), _what("refused"), Kind.AUTH_FAILURE, set={"auth_method": "password"}, services=_SERVICES),
    Pattern("sonicwall-ended", ("ended",), _what("ended"), Kind.SESSION_END, services=_SERVICES),
    Pattern("sonicwall-locked", ("locked",), _what("locked"), Kind.BAN, services=_SERVICES),
    Pattern("sonicwall-other", ("other",), ("^other$",), why="traffic, and other events than logons"),
)


def _arrange(records: pl.DataFrame) -> pl.DataFrame:
    """Lay out what tells of a logon; of all else nothing is read."""
    text = records["message"].fill_null("")
    ours = text.str.contains(_CLAIM)
    told = text.str.contains(r'msg="[^"]*(?i:log(?:in|ged|out|off| ?on)|session|auth|lockout|locked)[^"]*"') & ours
    made = pl.Series(["other"], dtype=pl.String).new_from_index(0, len(text)).zip_with(ours, text)
    if told.any():
        values = read(text.filter(told), _KEYS)
        said = pl.col("msg").str.to_lowercase().fill_null("")
        what = (
            pl.when(said.str.contains("lockout|locked out"))
            .then(pl.lit("locked"))
            .when(
                said.str.contains(
                    "log(?:in|on) (?:denied|failed|failure|rejected)|authentication fail|xauth failed|unknown user attempted|fail(?:ed|ure) to log"
                )
            )
            .then(pl.lit("refused"))
            .when(said.str.contains("log(?:ged)? ?out|logoff|session (?:ended|expired|terminated)|user (?:disconnected|logged off)"))
            .then(pl.lit("ended"))
            .when(
                said.str.contains(
                    "login (?:allowed|successful)|successful (?:ssl vpn )?(?:user )?log ?(?:in|on)|logged in|xauth succeeded|authentication success"
                )
            )
            .then(pl.lit("login"))
            .otherwise(pl.lit("other"))
        )
        door = (
            pl.when(said.str.contains("vpn|xauth|l2tp|ppp|remote user"))
            .then(pl.lit("vpn"))
            .when(said.str.contains("cli |ssh"))
            .then(pl.lit("ssh"))
            .when(said.str.contains("console"))
            .then(pl.lit("local"))
            .otherwise(pl.lit("web"))
        )
        user = pl.coalesce("usr", "user")
        table = values.with_columns(
            what.alias("what"),
            door.alias("door"),
            pl.col("src").str.extract(r"^([0-9.]+|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:]*)(?::|$)").alias("rhost"),
            pl.col("src").str.extract(r"^[0-9.]+:([1-9][0-9]*)(?::|$)").alias("port"),
            pl.when(~user.str.contains(r"(?i)^unknown\b")).then(user).alias("who"),
        )
        laid = lay_out(table, ("what", "rhost", "port", "who", "door", "msg", "m", "note", "fw"))
        laid = laid.zip_with(table["what"] != "other", pl.Series(["other"], dtype=pl.String).new_from_index(0, table.height))
        made = made.scatter(told.arg_true(), laid)
    return records.with_columns(made.alias("message"))


SOURCE = PatternSource(
    name="sonicwall",
    title="SonicWall firewalls",
    programs=("sonicwall",),
    patterns=PATTERNS,
    service=Service.VPN,
    claims_message=_CLAIM,
    prepare=_arrange,
    references=("https://www.sonicwall.com/techdocs/pdf/sonicos-7-0-0-0-log_events_reference_guide.pdf",),
)

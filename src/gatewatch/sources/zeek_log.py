"""Zeek's logs as tables: which columns are read, and what a row means.

========  ====================================================================================================================================
log       becomes
========  ====================================================================================================================================
conn      a flow (:mod:`gatewatch.sources.flow`). Only S1, S2, S3, SF, RSTO and RSTR are established; S0, SH, RSTOS0 (never answered) and REJ
          (turned away) are denied. Bytes that the packets seen cannot have carried are null (Zeek counts by sequence numbers, which lie when
          packets are missing)
ssh       ``connection``; ``auth_success`` is a guess from packet sizes and stays in ``extra``
rdp       ``connection``; ``result`` is that of the negotiation, ``cookie`` a name the client sent, cut short: both stay in ``extra``
rfb       ``auth`` false: ``auth_failure`` by password; else ``connection``
kerberos  AS refused: ``auth_failure`` (wrong password: method password; unknown client: also ``invalid_user``; what says nothing of a password:
          method none); AS granted, or refused only to ask for pre-authentication, and TGS: ``connection``; machine accounts: ``connection``
ntlm      ``success`` false: ``auth_failure`` by password; else ``connection``
dns       ``relay_contact`` for a name in ``.onion``, of whoever asked (``host_ip``); else ``connection``
notice    SSH::Password_Guessing, FTP::Bruteforcing: ``ban``, as fail2ban's: some device's count of a burst of failures, which the log of the
          host (or ssh.log) tells one by one. Nothing was blocked. Logins that Zeek watches for: ``connection``. A notice of a script about Tor:
          ``relay_contact`` of an inner source. Other notices are ignored
========  ====================================================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from gatewatch.schema import events as ev
from gatewatch.schema.events import AuthMethod, Kind, Service
from gatewatch.sources import flow
from gatewatch.sources.port import PLANES, by_port, by_protocol
from gatewatch.sources.resolver import as_name, map_values, resolve_user
from gatewatch.sources.row import RAW

_TRUE, _FALSE = ("T", "true"), ("F", "false")


@dataclass(frozen=True, slots=True)
class Log:
    """One of Zeek's logs.

    ``names``: the columns read beside those of every log; ``marks``: columns that no other log of ours has, any of which tells it; ``kinds``:
    what its rows can become; ``hint``: a regex that some value of a row must fit to become anything but a connection, ``json_hint`` the same for
    the text of an object. ``read`` gets the common columns and ``x_<name>`` of each of ``names``, and must keep the rows; a row without ``kind``
    is ignored for the reason in ``pattern``.
    """

    path: str
    names: tuple[str, ...]
    marks: tuple[str, ...]
    kinds: tuple[Kind, ...]
    read: Callable[[pl.DataFrame], pl.DataFrame]
    hint: str = ""
    json_hint: str = ""


def raw(name: str) -> pl.Expr:
    """Return the raw column *name*."""
    return pl.col(f"{RAW}{name}")


def _is(name: str, words: tuple[str, ...]) -> pl.Expr:
    return raw(name).is_in(words).fill_null(False)


def _boolean(name: str) -> pl.Expr:
    return pl.when(_is(name, _TRUE)).then(pl.lit(value=True)).when(_is(name, _FALSE)).then(pl.lit(value=False))


def _as(kind: Kind) -> pl.Expr:
    return pl.lit(str(kind), ev.KIND)


def _service(service: Service) -> pl.Expr:
    return pl.lit(str(service), ev.SERVICE).alias("service")


def _method(condition: pl.Expr, method: AuthMethod) -> pl.Expr:
    return pl.when(condition).then(pl.lit(str(method), ev.AUTH_METHOD)).alias("auth_method")


def _extra(**values: pl.Expr) -> pl.Expr:
    """Return ``extra``: the *values* that are there, as a JSON object; null where none is."""
    known = pl.any_horizontal([value.is_not_null() for value in values.values()])
    return pl.when(known).then(pl.struct([value.alias(name) for name, value in values.items()]).struct.json_encode()).alias("extra")


def _plain(frame: pl.DataFrame, name: str) -> pl.Series:
    r"""Return the raw column *name* as it was before Zeek wrote it: a backslash is doubled."""
    return frame[f"{RAW}{name}"].str.replace_all("\\\\", "\\", literal=True).str.strip_chars()


def _domain(made: pl.DataFrame, values: pl.Series) -> pl.Expr:
    """Return ``user_domain``: that of the name itself, else *values*; null where there is no user."""
    own = pl.col("user_domain") if "user_domain" in made.columns else pl.lit(None, pl.String)
    domain = pl.lit(values).str.to_lowercase()
    return pl.coalesce(own, pl.when(pl.col("user").is_not_null() & ~domain.is_in(["", "-"])).then(domain)).alias("user_domain")


def _user(frame: pl.DataFrame, values: pl.Series) -> list[pl.Expr]:
    return resolve_user(values.set((values == "").fill_null(False), None), "user") if frame.height else []


_PLANES = "|".join(str(port) for port in PLANES)
_DENIED = {"S0": "conn-unanswered", "SH": "conn-unanswered", "RSTOS0": "conn-unanswered", "REJ": "conn-rejected"}


def _conn(frame: pl.DataFrame) -> pl.DataFrame:
    state = raw("conn_state")
    frame = frame.with_columns(
        flow.amount(frame[f"{RAW}orig_bytes"]).alias("sent"),
        flow.amount(frame[f"{RAW}resp_bytes"]).alias("answered"),
        flow.amount(frame[f"{RAW}missed_bytes"]).fill_null(0).alias("zz_missed"),
        flow.amount(frame[f"{RAW}orig_ip_bytes"]).alias("zz_sent"),
        flow.amount(frame[f"{RAW}resp_ip_bytes"]).alias("zz_answered"),
    )
    carried = {name: pl.col(f"zz_{name}").is_null() | (pl.col(name) <= pl.col(f"zz_{name}") + pl.col("zz_missed")) for name in ("sent", "answered")}
    return flow.as_events(
        frame.with_columns(
            *[pl.when(possible).then(pl.col(name)).alias(name) for name, possible in carried.items()],
            by_protocol(frame[f"{RAW}service"]).alias("named"),
            (raw("proto") == "tcp").fill_null(False).alias("tcp"),
            state.is_in(list(_DENIED)).fill_null(False).alias("denied"),
            state.replace_strict(_DENIED, default="conn", return_dtype=pl.String).fill_null("conn").alias("pattern"),
            _boolean("local_orig").alias("src_inner"),
            _boolean("local_resp").alias("dst_inner"),
        ).drop("zz_missed", "zz_sent", "zz_answered")
    )


def _ssh(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        _as(Kind.CONNECTION).alias("kind"),
        pl.lit("ssh").alias("pattern"),
        _service(Service.SSH),
        _extra(
            auth_success=_boolean("auth_success"),
            auth_attempts=raw("auth_attempts").cast(pl.Int64, strict=False),
            client=raw("client"),
            server=raw("server"),
            hassh=raw("hassh"),
            host_key=pl.coalesce(raw("host_key_fingerprint"), raw("host_key")),
        ),
    )


def _rdp(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        _as(Kind.CONNECTION).alias("kind"),
        pl.lit("rdp").alias("pattern"),
        _service(Service.RDP),
        map_values(_plain(frame, "client_name"), as_name).alias("src_host"),
        _plain(frame, "cookie").alias(f"{RAW}cookie"),
    ).with_columns(
        _extra(
            cookie=raw("cookie"),
            result=raw("result"),
            security_protocol=raw("security_protocol"),
            keyboard_layout=raw("keyboard_layout"),
            client_build=raw("client_build"),
        )
    )


def _rfb(frame: pl.DataFrame) -> pl.DataFrame:
    failed, good = _is("auth", _FALSE), _is("auth", _TRUE)
    return frame.with_columns(
        pl.when(failed).then(_as(Kind.AUTH_FAILURE)).otherwise(_as(Kind.CONNECTION)).alias("kind"),
        pl.when(failed).then(pl.lit("rfb-failed")).when(good).then(pl.lit("rfb-authenticated")).otherwise(pl.lit("rfb")).alias("pattern"),
        _service(Service.VNC),
        _method(failed, AuthMethod.PASSWORD),
        _extra(authentication_method=raw("authentication_method"), desktop_name=raw("desktop_name"), auth=_boolean("auth")),
    )


_PASSWORD, _UNKNOWN = "KDC_ERR_PREAUTH_FAILED", "KDC_ERR_C_PRINCIPAL_UNKNOWN"
_ASKING = ("KDC_ERR_PREAUTH_REQUIRED", "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", "KRB_ERR_RESPONSE_TOO_BIG", "KDC_ERR_WRONG_REALM")


def kerberos(frame: pl.DataFrame, request: pl.Expr, refused: pl.Expr, granted: pl.Expr, error: pl.Expr, user: pl.Series) -> pl.DataFrame:
    """Return *frame* with what an answer of a KDC means; *request* is ``AS``, ``TGS`` or null, *user* the client without its realm."""
    machine = pl.lit(user).str.ends_with("$").fill_null(False)
    telling = error.is_in([_PASSWORD, _UNKNOWN, "KDC_ERR_CLIENT_REVOKED"]).fill_null(False)
    asks = error.is_in(_ASKING).fill_null(False) | (error.is_null() & ~granted)
    asked = (request == "AS").fill_null(False) | (request.is_null() & telling)
    failed = asked & refused & ~asks & ~machine
    word = pl.when((request == "TGS").fill_null(False)).then(pl.lit("kerberos-tgs")).otherwise(pl.lit("kerberos-as"))
    wrong, unknown = (error == _PASSWORD).fill_null(False), (error == _UNKNOWN).fill_null(False)
    return frame.with_columns(
        pl.when(failed).then(_as(Kind.AUTH_FAILURE)).otherwise(_as(Kind.CONNECTION)).alias("kind"),
        pl.when(failed & wrong)
        .then(pl.lit("kerberos-bad-password"))
        .when(failed & unknown)
        .then(pl.lit("kerberos-unknown-user"))
        .when(failed)
        .then(pl.lit("kerberos-refused"))
        .otherwise(word)
        .alias("pattern"),
        _service(Service.KERBEROS),
        pl.when(failed & (wrong | unknown))
        .then(pl.lit(str(AuthMethod.PASSWORD), ev.AUTH_METHOD))
        .when(failed)
        .then(pl.lit(str(AuthMethod.NONE), ev.AUTH_METHOD))
        .alias("auth_method"),
        pl.when(failed & unknown).then(pl.lit(value=True)).alias("invalid_user"),
        *resolve_user(user, "user"),
    )


def _kerberos(frame: pl.DataFrame) -> pl.DataFrame:
    client = _plain(frame, "client")
    realm = client.str.extract(r"/([^/]*)$")
    user = client.str.replace(r"/[^/]*$", "")
    user = user.set((user == "").fill_null(False), None)
    made = kerberos(frame, raw("request_type"), _is("success", _FALSE), _is("success", _TRUE), raw("error_msg"), user)
    return made.with_columns(
        _domain(made, realm),
        raw("service").alias("object"),
        _extra(error=raw("error_msg"), success=_boolean("success"), cipher=raw("cipher")),
    )


def _ntlm(frame: pl.DataFrame) -> pl.DataFrame:
    user = _plain(frame, "username")
    named = pl.lit(user).is_not_null() & (pl.lit(user) != "") & (pl.lit(user).str.to_uppercase() != "ANONYMOUS")
    failed = _is("success", _FALSE) & named.fill_null(False) & ~pl.lit(user).str.ends_with("$").fill_null(False)
    made = frame.with_columns(
        pl.when(failed).then(_as(Kind.AUTH_FAILURE)).otherwise(_as(Kind.CONNECTION)).alias("kind"),
        pl.when(failed).then(pl.lit("ntlm-failed")).otherwise(pl.lit("ntlm")).alias("pattern"),
        by_port("dst_port").alias("service"),
        _method(failed, AuthMethod.PASSWORD),
        *_user(frame, user),
        map_values(_plain(frame, "hostname"), as_name).alias("src_host"),
        map_values(_plain(frame, "server_dns_computer_name").fill_null(_plain(frame, "server_nb_computer_name")), as_name).alias("dst_host"),
        _extra(success=_boolean("success")),
    )
    return made.with_columns(_domain(made, _plain(frame, "domainname")))


_NOTICES: dict[str, tuple[Kind, str, Service]] = {
    "SSH::Password_Guessing": (Kind.BAN, "notice-password-guessing", Service.SSH),
    "FTP::Bruteforcing": (Kind.BAN, "notice-password-guessing", Service.FTP),
    "SSH::Login_By_Password_Guesser": (Kind.CONNECTION, "notice-login-by-guesser", Service.SSH),
    "SSH::Watched_Country_Login": (Kind.CONNECTION, "notice-watched-country", Service.SSH),
    "SSH::Interesting_Hostname_Login": (Kind.CONNECTION, "notice-interesting-host", Service.SSH),
}
_TOR_NOTE = r"^(?:[Dd]etect_?)?T[Oo][Rr](?:[A-Z_][A-Za-z_]*)?::|::(?:[A-Za-z_]*_)?T[Oo][Rr](?:_[A-Za-z_]*)?$"
_NOTE = r"^([A-Za-z][A-Za-z0-9_]{0,39}::[A-Za-z][A-Za-z0-9_]{0,59})$"


def _notice(frame: pl.DataFrame) -> pl.DataFrame:
    note = raw("note")
    named = pl.concat_str(pl.lit("notice "), note.str.extract(_NOTE))
    source, target = flow.addresses(frame[f"{RAW}src"]), flow.addresses(frame[f"{RAW}dst"])

    def table(place: int) -> pl.Expr:
        return note.replace_strict({key: str(value[place]) for key, value in _NOTICES.items()}, default=None, return_dtype=pl.String)

    frame = frame.with_columns(pl.coalesce(pl.lit(source), "src_ip").alias("zz_source"))
    tor = note.str.contains(_TOR_NOTE).fill_null(False) & flow.inner("zz_source")
    return frame.with_columns(
        pl.when(tor).then(_as(Kind.RELAY_CONTACT)).otherwise(table(0).cast(ev.KIND)).alias("kind"),
        pl.when(tor).then(pl.lit("notice-tor")).otherwise(pl.coalesce(table(1), named, pl.lit("a notice without a name"))).alias("pattern"),
        pl.when(tor).then(pl.lit(str(Service.TOR), ev.SERVICE)).otherwise(table(2).cast(ev.SERVICE)).alias("service"),
        pl.when(tor).then("zz_source").otherwise(pl.coalesce(pl.lit(target), "dst_ip")).alias("host_ip"),
        pl.coalesce(pl.lit(source), "src_ip").alias("src_ip"),
        pl.coalesce(pl.lit(target), "dst_ip").alias("dst_ip"),
        pl.coalesce("dst_port", pl.lit(flow.port(frame[f"{RAW}p"]))).alias("dst_port"),
        pl.coalesce("observer", raw("peer_descr")).alias("observer"),
        note.alias("object"),
        raw("msg").alias("message"),
        _extra(connections=raw("msg").str.extract(r"\(seen in ([0-9]{1,9}) connections\)").cast(pl.Int64, strict=False), sub=raw("sub")),
    ).drop("zz_source")


_ONION = r"(?i)(?:^|\.)[a-z2-7]{1,56}\.onion(?:\.[a-z]{2,8})?\.?$"


def _dns(frame: pl.DataFrame) -> pl.DataFrame:
    onion = raw("query").str.contains(_ONION).fill_null(False)
    return frame.with_columns(
        pl.when(onion).then(_as(Kind.RELAY_CONTACT)).otherwise(_as(Kind.CONNECTION)).alias("kind"),
        pl.when(onion).then(pl.lit("onion-query")).otherwise(pl.lit("dns-query")).alias("pattern"),
        pl.when(onion).then(pl.lit(str(Service.TOR), ev.SERVICE)).alias("service"),
        raw("query").alias("object"),
        pl.col("src_ip").alias("host_ip"),
        _extra(answers=raw("answers"), answer=raw("rcode_name")),
    )


LOGS: tuple[Log, ...] = (
    Log(
        "conn",
        (
            *("proto", "service", "orig_bytes", "resp_bytes", "conn_state", "local_orig", "local_resp"),
            *("missed_bytes", "orig_ip_bytes", "resp_ip_bytes"),
        ),
        ("conn_state",),
        flow.KINDS,
        _conn,
        hint=rf"{'|'.join(_DENIED)}|{flow.VOLUME_DIGITS}|{_PLANES}|{flow.OUTWARD_PORTS}",
        json_hint=rf'"(?:id[._])?resp_p"[ \t]*:[ \t]*(?:{_PLANES}|{flow.OUTWARD_PORTS})\b|"conn_state"[ \t]*:[ \t]*"(?:{"|".join(_DENIED)})"'
        rf'|"(?:orig|resp)_bytes"[ \t]*:[ \t]*"?{flow.VOLUME_DIGITS}',
    ),
    Log(
        "ssh",
        ("auth_success", "auth_attempts", "client", "server", "hassh", "host_key_fingerprint", "host_key"),
        ("auth_attempts", "hassh", "host_key_fingerprint", "kex_alg"),
        (Kind.CONNECTION,),
        _ssh,
    ),
    Log(
        "rdp",
        ("cookie", "result", "security_protocol", "keyboard_layout", "client_build", "client_name"),
        ("security_protocol", "cert_count", "client_channels", "keyboard_layout"),
        (Kind.CONNECTION,),
        _rdp,
    ),
    Log(
        "rfb",
        ("authentication_method", "auth", "desktop_name"),
        ("client_major_version", "server_major_version", "authentication_method", "share_flag"),
        (Kind.AUTH_FAILURE, Kind.CONNECTION),
        _rfb,
    ),
    Log(
        "kerberos",
        ("request_type", "client", "service", "success", "error_msg", "cipher"),
        ("request_type", "error_msg"),
        (Kind.AUTH_FAILURE, Kind.CONNECTION),
        _kerberos,
    ),
    Log(
        "ntlm",
        ("username", "hostname", "domainname", "server_nb_computer_name", "server_dns_computer_name", "success"),
        ("server_nb_computer_name", "server_dns_computer_name", "domainname"),
        (Kind.AUTH_FAILURE, Kind.CONNECTION),
        _ntlm,
    ),
    Log(
        "dns",
        ("query", "answers", "rcode_name"),
        ("qclass_name", "rcode_name", "qtype_name"),
        (Kind.RELAY_CONTACT, Kind.CONNECTION),
        _dns,
        hint=r"(?i:[^\t]*\.onion[^\t]*)",
        json_hint=r"(?i)\.onion",
    ),
    Log(
        "notice",
        ("note", "msg", "sub", "src", "dst", "p", "peer_descr"),
        ("note",),
        (Kind.BAN, Kind.CONNECTION, Kind.RELAY_CONTACT),
        _notice,
    ),
)

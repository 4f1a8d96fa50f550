r"""strongSwan's IKE daemon (``charon``), in syslog, the journal or its own log file.

``06[IKE] <rw|83> IKE_SA rw[83] established between 203.0.113.1[vpn.example]...192.0.2.7[ann]``

A connection is told by several lines that share the number of its IKE_SA; ``session`` is ``ike:<number>``. Only the line above has both the user and
the address, and is the ``auth_success``; rekeying logs other words. Other lines have the address, and EAP failures the name, that lines before them
told: under the same number, or, where the daemon writes no numbers (``ike_name``), by the same thread since the packet it works on. It is null where
those lines are missing or stand in another block of the file.

=====================================================  ==============================================================
line                                                   becomes
=====================================================  ==============================================================
IKE_SA … established between …                         ``auth_success``; the identity of a site is its user as well
authentication of 'u' with … successful                ``session_start``, method by its name
EAP-MS-CHAPv2 verification failed                      ``auth_failure``; EAP method … failed: the same attempts, summed up
no EAP key found for hosts …                           ``auth_failure`` of a user that does not exist
XAuth authentication of 'u' …                          ``session_start``, ``auth_failure``
assigning virtual IP … to peer 'u'                     ``session_start`` with ``assigned_ip``
deleting IKE_SA … between …                            ``session_end``
… is initiating an IKE_SA                              ``connection``
=====================================================  ==============================================================

References: https://docs.strongswan.org/docs/latest/config/logging.html, strongSwan (src/libcharon)
"""

from __future__ import annotations

import polars as pl

from gatewatch.schema.events import AuthMethod, Kind, Service, ensure
from gatewatch.sources.key_value import ANY, SEPARATOR, behind, lay_out
from gatewatch.sources.pattern import Pattern, PatternSource

_HEADER = r"(?:(?P<thread>[0-9]{2})\[(?P<group>[A-Z]{3})[0-9]?\] )?(?:<(?:[^|>]*\|)?(?P<number>[0-9]+)> )?"
_IP = r"[0-9A-Fa-f.:]+"
_ENDS = rf"between (?P<dhost>{_IP})\[{ANY}?\]\.\.\.(?P<rhost>{_IP})\[(?:%any|(?P<user>{ANY}))\]"
# clients of Windows and Android give an address for their identity: who they are was told by EAP
_NAMELESS = rf"^(IKE_SA [^ ]+ established between .*\.\.\.{_IP}\[)(?:%any|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}|[0-9A-Fa-f]*:{_IP})\]$"
_TAIL = rf"{SEPARATOR}(?P<session>{ANY[:-1]}+)?{SEPARATOR}"
_OWN = rf"{_TAIL}{ANY}{SEPARATOR}{ANY}$"
_JOINED = rf"{_TAIL}(?P<rhost>{ANY[:-1]}+)?{SEPARATOR}{ANY}$"
_GUESSED = rf"{_TAIL}(?P<rhost>{ANY[:-1]}+)?{SEPARATOR}(?P<user>{ANY})$"
# what names the peer in words of the daemon's own, which hold nothing that the peer wrote
_PEER = (
    rf"^(?:received packet: from ({_IP})\[[0-9]+\] to |sending packet: from {_IP}\[[0-9]+\] to ({_IP})\[|({_IP}) is initiating an? "
    rf"|initiating (?:IKE_SA|(?:Main|Aggressive) Mode IKE_SA) [^ ]+ to ({_IP})$)"
)
_ARRIVED = "received packet: from "
_NAME = r"^(?:EAP-MS-CHAPv2 username:|received EAP identity) '(.*)'$"
_METHODS = {
    **dict.fromkeys(("EAP", "EAP_MSCHAPV2", "EAP_MD5", "EAP_GTC", "EAP_RADIUS", "XAuth"), AuthMethod.PASSWORD),
    **dict.fromkeys(("RSA", "ECDSA", "EdDSA", "RSA_EMSA", "Ed25519", "EAP_TLS"), AuthMethod.CERTIFICATE),
    "pre-shared": AuthMethod.UNKNOWN,
}
_PASSWORD = {"auth_method": "password"}
_UNKNOWN = {"auth_method": "unknown"}


def _text(*texts: str, tail: str = _JOINED) -> tuple[str, ...]:
    """Return the regexes of lines whose text is one of *texts*, with the session and the peer's address after it."""
    return tuple(f"^{text}{tail}" for text in texts)


def _own(*texts: str) -> tuple[str, ...]:
    """Return the regexes of lines that name the peer's address themselves."""
    return _text(*texts, tail=_OWN)


PATTERNS: tuple[Pattern, ...] = (
    Pattern("established", ("IKE_SA ",), _own(rf"IKE_SA [^ ]+ established {_ENDS}"), Kind.AUTH_SUCCESS, set=_UNKNOWN, session_prefix="ike:"),
    Pattern(
        "authenticated",
        ("authenticati",),
        _text(rf"authentication of '(?P<user>{ANY})' with (?P<method>RSA|ECDSA|EdDSA|Ed25519|EAP|pre-shared)[ _A-Za-z0-9-]* successful"),
        Kind.SESSION_START,
        methods=_METHODS,
        session_prefix="ike:",
    ),
    Pattern(
        "eap-failed",
        ("EAP-MS-CHAPv",),
        _text(r"EAP-MS-CHAPv2 verification failed, retry \([0-9]+\)", tail=_GUESSED),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        session_prefix="ike:",
    ),
    Pattern(
        "eap-refused",
        ("EAP method ",),
        _text(rf"EAP method (?P<object>[A-Z0-9_]+) failed for peer (?P<user>{ANY})"),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        session_prefix="ike:",
    ),
    Pattern(
        "eap-user-refused",
        ("no EAP key f",),
        _text(rf"no EAP key found for hosts '{ANY}?' - '(?P<user>{ANY})'"),
        Kind.AUTH_FAILURE,
        set={**_PASSWORD, "invalid_user": True},
        session_prefix="ike:",
    ),
    Pattern(
        "eap-name",
        ("EAP-MS-CHAPv", "received EAP"),
        _text(rf"(?:EAP-MS-CHAPv2 username:|received EAP identity) '(?P<user>{ANY})'"),
        Kind.CONNECTION,
        session_prefix="ike:",
    ),
    Pattern(
        "xauth-accepted",
        ("XAuth authen",),
        _text(rf"XAuth authentication of '(?P<user>{ANY})' successful"),
        Kind.SESSION_START,
        set=_PASSWORD,
        session_prefix="ike:",
    ),
    Pattern(
        "xauth-failed",
        ("XAuth authen",),
        _text(rf"XAuth authentication of '(?P<user>{ANY})' failed"),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        session_prefix="ike:",
    ),
    Pattern(
        "radius-accepted",
        ("RADIUS authe", "XAUTH: RADIU"),
        _text(rf"(?:XAUTH: )?RADIUS authentication of '(?P<user>{ANY})' successful"),
        Kind.SESSION_START,
        set=_PASSWORD,
        session_prefix="ike:",
    ),
    Pattern(
        "radius-failed",
        ("RADIUS authe", "XAUTH: RADIU"),
        _text(rf"(?:XAUTH: )?RADIUS authentication of '(?P<user>{ANY})' failed"),
        Kind.AUTH_FAILURE,
        set=_PASSWORD,
        session_prefix="ike:",
    ),
    Pattern(
        "key-failed",
        ("tried ", "no shared ke"),
        _text(
            rf"tried [0-9]+ shared keys? for '{ANY}?' - '(?:%any|(?P<user>{ANY}))', but MAC mismatched",
            rf"no shared key found for '{ANY}?'(?:\[{ANY}\])? - '(?:%any|(?P<user>{ANY}?))'(?:\[{ANY}\])?",
        ),
        Kind.AUTH_FAILURE,
        set=_UNKNOWN,
        session_prefix="ike:",
    ),
    Pattern(  # the password was right, what the client made of it was not
        "verification-failed",
        ("verification",),
        _text(r"verification of AUTH payload with(?:out)? EAP MSK failed", tail=_GUESSED),
        Kind.AUTH_STOPPED,
        set=_UNKNOWN,
        session_prefix="ike:",
    ),
    Pattern(
        "certificate-failed",
        ("no trusted ",),
        _text(rf"no trusted (?P<object>[A-Za-z0-9]+ public key) found for '(?P<user>{ANY})'"),
        Kind.AUTH_FAILURE,
        set={"auth_method": "certificate"},
        session_prefix="ike:",
    ),
    Pattern(
        "address-assigned",
        ("assigning vi",),
        _text(rf"assigning virtual IP (?P<assigned_ip>{_IP}) to peer '(?P<user>{ANY})'"),
        Kind.SESSION_START,
        session_prefix="ike:",
    ),
    Pattern(
        "address-freed",
        ("lease ",),
        _text(rf"lease (?P<assigned_ip>{_IP}) by '(?P<user>{ANY})' went offline"),
        Kind.SESSION_END,
        session_prefix="ike:",
    ),
    Pattern("deleted", ("deleting IKE",), _own(rf"deleting IKE_SA [^ ]+ {_ENDS}"), Kind.SESSION_END, session_prefix="ike:"),
    Pattern(
        "initiated",
        tuple("0123456789abcdefABCDEF"),
        _own(rf"(?P<rhost>{_IP}) is initiating an? (?:IKE_SA|(?:Main|Aggressive) Mode IKE_SA)"),
        Kind.CONNECTION,
        session_prefix="ike:",
    ),
    Pattern(
        "half-open",
        ("deleting hal",),
        _own(rf"deleting half open IKE_SA with (?P<rhost>{_IP}) after timeout"),
        Kind.CONNECTION_CLOSED,
        session_prefix="ike:",
    ),
    Pattern(
        "unmatched",
        ("no matching ", "no IKE confi"),
        (
            *_text(r"no (?:matching )?(?P<object>peer config) found"),
            *_own(rf"no (?P<object>IKE config) found for (?P<dhost>{_IP})\.\.\.(?P<rhost>{_IP}), sending NO_PROPOSAL_CHOSEN"),
        ),
        Kind.CONNECTION_DENIED,
        session_prefix="ike:",
    ),
    Pattern(
        "course",
        (),
        (
            (
                r"^(?:noise|generating |in openpam_dispatch\(\)|authentication of '.*' \(myself\)|IKE_SA |CHILD_SA |EAP-|EAP method |"
                r"received |sending |selected |looking for |initiating |"
                r"remote host |local host |peer |reauthenticat|rekey|scheduling |maximum |closing |keeping |checkin|checkout|ignoring |"
                r"retransmit|giving up|"
                r"destroying |establishing |configured |proposing |using |reached |certificate |subject |crl |ocsp |fetching |DH group |"
                r"loaded |loading |"
                r"added |adding |removed |lease |pool |building |unable to |constraint |server requested|allocat|restor|installing |"
                r"deriving |faking |"
                r"detected |linked |queueing |activating |not |requesting |reassigning |acquiring |duplicate |schedule |"
                r"tried |no |deleting |assigning |XAuth |[0-9A-Fa-f.:]+ is )"
            ),
        ),
        why="the course of a negotiation, no result",
    ),
)
_NOISY = ("NET", "ENC", "KNL", "LIB", "DMN", "CHD", "TLS", "ASN", "PTS", "TNC", "IMC", "IMV", "ESP", "APP")


def _split(records: pl.DataFrame) -> pl.DataFrame:
    """Put the text of each line first; the number of its IKE_SA, the peer's address and the name it gave last."""
    message = records["message"].fill_null("")
    table = records.select("host", "pid").with_columns(message.alias("line"))
    table = table.hstack(behind(message, _HEADER, "text"))
    told = table.select(pl.col("text").str.extract_groups(_PEER).alias("g")).unnest("g")
    named = pl.col("text").str.extract(r"^(?:deleting )?IKE_SA [^ \[]*\[([0-9]+)\] ")
    table = table.with_columns(
        pl.coalesce("number", named).alias("number"),
        pl.lit(told.select(pl.coalesce(told.columns).alias("p"))["p"]).alias("peer"),
        pl.col("text").str.extract(_NAME).alias("who"),
        pl.when(pl.col("group").is_in(_NOISY)).then(pl.lit("noise")).otherwise(pl.col("text").str.strip_chars(" ")).alias("words"),
    )
    named_by_eap = pl.concat_str(pl.col("words").str.extract(_NAMELESS), pl.when(pl.col("who").str.contains(r"^[^\[\]]+$")).then("who"), pl.lit("]"))
    joined = _joined(table).with_columns(pl.coalesce(named_by_eap, "words").alias("words"))
    return records.with_columns(lay_out(joined, ("words", "number", "peer", "who")).alias("message"))


def _joined(table: pl.DataFrame) -> pl.DataFrame:
    """Give lines the peer and the name told before them: under the number of their IKE_SA, else by their thread since its last packet."""
    if not table.select((pl.col("peer").is_not_null() | pl.col("who").is_not_null()).any()).item():
        return table
    process = ["host", "pid"]
    packet = pl.col("text").str.starts_with(_ARRIVED).cast(pl.UInt32).cum_sum().over([*process, "thread"])
    by_number = [pl.col(name).forward_fill().over([*process, "number"]) for name in ("peer", "who")]
    by_packet = [pl.col(name).forward_fill().over([*process, "thread", "zz_packet"]) for name in ("peer", "who")]
    numbered, threaded = pl.col("number").is_not_null(), pl.col("thread").is_not_null() & (pl.col("zz_packet") > 0)
    return table.with_columns(packet.alias("zz_packet")).with_columns(
        pl.when(numbered).then(number).when(threaded).then(packet_).otherwise(name).alias(name)
        for name, number, packet_ in zip(("peer", "who"), by_number, by_packet, strict=True)
    )


def _identity(events: pl.DataFrame) -> pl.DataFrame:
    """Read the name out of a distinguished one; an address is no user."""
    events = ensure(events, "user")
    common = pl.col("user").str.extract(r"(?:^|[,/] ?)cn ?= ?([^,/]+)")
    address = pl.col("user").str.contains(rf"^(?:[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}|[0-9a-f]*:{_IP})$")
    return events.with_columns(pl.when(~address).then(pl.coalesce(common.str.strip_chars(" "), "user")).alias("user"))


SOURCE = PatternSource(
    name="strongswan",
    title="strongSwan",
    programs=("charon", "charon-systemd", "charon-nm", "ipsec", "strongswan", "swanctl"),
    patterns=PATTERNS,
    service=Service.VPN,
    prepare=_split,
    finish=_identity,
    references=("https://docs.strongswan.org/docs/latest/config/logging.html",),
)

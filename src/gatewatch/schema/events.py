"""The event table: one row per fact, declared once.

Every other shape (Polars, Arrow, OCSF, the reference page) is derived from :data:`COLUMNS` and :class:`Kind`.
A frame that flows between steps may carry a subset of the columns; :func:`complete` adds the missing ones as nulls.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class Kind(StrEnum):
    """The role an event plays in a chain."""

    AUTH_FAILURE = "auth_failure"
    AUTH_SUCCESS = "auth_success"
    AUTH_STOPPED = "auth_stopped"
    MFA_CHALLENGE = "mfa_challenge"
    MFA_DENIED = "mfa_denied"
    MFA_OK = "mfa_ok"
    SESSION_START = "session_start"
    SESSION_END = "session_end"
    LOGON_OUT = "logon_out"  # a logon towards another host, as the host it starts from sees it
    CONNECTION = "connection"
    CONNECTION_CLOSED = "connection_closed"
    CONNECTION_DENIED = "connection_denied"
    RELAY_CONTACT = "relay_contact"  # a host went to a network that hides where it goes, or asked for a name within it
    PROBE = "probe"  # an inner host knocked in vain where another's containers are ruled
    EXEC = "exec"
    FILE_TRANSFER = "file_transfer"
    PORT_FORWARD = "port_forward"
    PRIVILEGE_USE = "privilege_use"
    PRIVILEGE_DENIED = "privilege_denied"
    CONTAINER_CREATE = "container_create"
    CONTAINER_EXEC = "container_exec"
    SERVICE_INSTALL = "service_install"
    SERVICE_START = "service_start"
    SCHEDULED_JOB = "scheduled_job"
    ACCOUNT_CHANGE = "account_change"
    CONFIG_CHANGE = "config_change"
    LOG_CLEARED = "log_cleared"
    BOOT = "boot"
    CLOCK_CHANGE = "clock_change"
    BAN = "ban"
    OTHER = "other"  # recognised and told to nobody but the user's own rules


@dataclass(frozen=True, slots=True)
class Ocsf:
    """OCSF 1.3 coordinates of a kind: class, activity and status (1 success, 2 failure, 0 unknown)."""

    class_uid: int
    activity_id: int
    status_id: int = 0


OCSF: dict[Kind, Ocsf] = {
    Kind.AUTH_FAILURE: Ocsf(3002, 1, 2),
    Kind.AUTH_SUCCESS: Ocsf(3002, 1, 1),
    Kind.AUTH_STOPPED: Ocsf(3002, 1, 2),
    Kind.MFA_CHALLENGE: Ocsf(3002, 99, 0),
    Kind.MFA_DENIED: Ocsf(3002, 99, 2),
    Kind.MFA_OK: Ocsf(3002, 99, 1),
    Kind.SESSION_START: Ocsf(3002, 99, 1),
    Kind.SESSION_END: Ocsf(3002, 2, 1),
    Kind.LOGON_OUT: Ocsf(3002, 99, 0),
    Kind.CONNECTION: Ocsf(4001, 1, 1),
    Kind.CONNECTION_CLOSED: Ocsf(4001, 2, 1),
    Kind.CONNECTION_DENIED: Ocsf(4001, 5, 2),
    Kind.RELAY_CONTACT: Ocsf(4001, 1, 0),
    Kind.PROBE: Ocsf(4001, 5, 2),
    Kind.EXEC: Ocsf(1007, 1, 1),
    Kind.FILE_TRANSFER: Ocsf(1001, 99, 1),
    Kind.PORT_FORWARD: Ocsf(4014, 1, 1),
    Kind.PRIVILEGE_USE: Ocsf(3003, 1, 1),
    Kind.PRIVILEGE_DENIED: Ocsf(3003, 1, 2),
    Kind.CONTAINER_CREATE: Ocsf(6003, 1, 1),
    Kind.CONTAINER_EXEC: Ocsf(6003, 99, 1),
    Kind.SERVICE_INSTALL: Ocsf(6002, 1, 1),
    Kind.SERVICE_START: Ocsf(6002, 3, 1),
    Kind.SCHEDULED_JOB: Ocsf(1006, 1, 1),
    Kind.ACCOUNT_CHANGE: Ocsf(3001, 99, 1),
    Kind.CONFIG_CHANGE: Ocsf(5002, 99, 1),
    Kind.LOG_CLEARED: Ocsf(1008, 1, 1),
    Kind.BOOT: Ocsf(6002, 3, 1),
    Kind.CLOCK_CHANGE: Ocsf(5002, 99, 1),
    Kind.BAN: Ocsf(4001, 5, 2),
    Kind.OTHER: Ocsf(2004, 99, 0),
}


class Service(StrEnum):
    """The remote service an event concerns."""

    SSH = "ssh"
    RDP = "rdp"
    RDGATEWAY = "rdgateway"
    VPN = "vpn"
    CITRIX = "citrix"
    WINRM = "winrm"
    VNC = "vnc"
    SMB = "smb"
    WMI = "wmi"
    KERBEROS = "kerberos"
    DOCKER_API = "docker_api"
    KUBE_API = "kube_api"
    KUBELET = "kubelet"
    KUBE_DASHBOARD = "kube_dashboard"
    TOR = "tor"
    WEB = "web"
    IDP = "idp"
    TELNET = "telnet"
    FTP = "ftp"
    LOCAL = "local"


class AuthMethod(StrEnum):
    """How the user proved who they are; only the first two and ``unknown`` can be guessed."""

    PASSWORD = "password"  # noqa: S105 - a word
    KEYBOARD = "keyboard"
    KEY = "key"
    CERTIFICATE = "certificate"
    HOSTBASED = "hostbased"
    GSSAPI = "gssapi"
    TOKEN = "token"  # noqa: S105 - a word
    NONE = "none"
    UNKNOWN = "unknown"


GUESSABLE = (AuthMethod.PASSWORD, AuthMethod.KEYBOARD, AuthMethod.UNKNOWN)


class Mfa(StrEnum):
    """Whether a second factor was used; ``unknown`` is never read as ``no``."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Scope(StrEnum):
    """Where an address lies, by our own table and the site's, never by the interpreter's notion of private."""

    PUBLIC = "public"
    PRIVATE = "private"
    SHARED = "shared"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link_local"
    VPN_POOL = "vpn_pool"
    CLUSTER = "cluster"
    PROXY = "proxy"
    RESERVED = "reserved"


class TimeBasis(StrEnum):
    """How the instant of an event is known."""

    ABSOLUTE = "absolute"  # the record carries year and zone (or an epoch)
    ZONED = "zoned"  # year in the record, zone from configuration or the default
    YEAR_GIVEN = "year_given"  # --year or gatewatch.toml
    YEAR_NEIGHBOUR = "year_neighbour"  # another file or line of the same stream bears a year
    YEAR_NAME = "year_name"  # a dated file or archive-member name
    YEAR_MTIME = "year_mtime"  # the file's modification time


def _enum(values: type[StrEnum]) -> pl.Enum:
    return pl.Enum([member.value for member in values])


UTC = pl.Datetime("us", "UTC")
KIND = _enum(Kind)
SERVICE = _enum(Service)
AUTH_METHOD = _enum(AuthMethod)
MFA = _enum(Mfa)
SCOPE = _enum(Scope)
TIME_BASIS = _enum(TimeBasis)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the event table: its type, its OCSF path and what it holds."""

    name: str
    dtype: pl.DataType
    ocsf: str
    note: str


def _c(name: str, dtype: pl.DataType | type[pl.DataType], ocsf: str, note: str) -> Column:
    return Column(name, dtype if isinstance(dtype, pl.DataType) else dtype(), ocsf, note)


COLUMNS: tuple[Column, ...] = (
    _c("time", UTC, "time", "when it happened, UTC"),
    _c("time_err", pl.Duration("us"), "unmapped.time_err", "uncertainty either way: resolution and known skew"),
    _c("time_basis", TIME_BASIS, "unmapped.time_basis", "how the instant is known"),
    _c("received", UTC, "metadata.logged_time", "when a collector received it, where the log says"),
    _c("kind", KIND, "unmapped.kind", "the role in a chain"),
    _c("service", SERVICE, "service.name", "the remote service concerned"),
    _c("observer", pl.String, "metadata.reporter.hostname", "the device that wrote the record"),
    _c("host", pl.String, "dst_endpoint.hostname", "where it happened (the target); often the observer"),
    _c("host_ip", pl.String, "device.ip", "the address of that host, where the log knows it"),
    _c("user", pl.String, "user.name", "the actor, case-folded, without domain; null when redacted or empty"),
    _c("user_domain", pl.String, "user.domain", "the actor's domain, case-folded"),
    _c("target_user", pl.String, "user_result.name", "the account acted on"),
    _c("src_ip", pl.String, "src_endpoint.ip", "source address in canonical text form; null when the log does not know"),
    _c("src_port", pl.UInt16, "src_endpoint.port", "source port"),
    _c("src_host", pl.String, "src_endpoint.hostname", "source name (reverse DNS, client name)"),
    _c("dst_ip", pl.String, "dst_endpoint.ip", "destination address"),
    _c("dst_port", pl.UInt16, "dst_endpoint.port", "destination port"),
    _c("dst_host", pl.String, "dst_endpoint.name", "destination name"),
    _c("session", pl.String, "session.uid", "logon id, pid, VPN session, audit session; scoped by host"),
    _c("linked_session", pl.String, "session.uid_alt", "the twin of a split token or a reconnect"),
    _c("assigned_ip", pl.String, "unmapped.assigned_ip", "inner address a VPN gave"),
    _c("auth_method", AUTH_METHOD, "auth_protocol", "password, keyboard, key, certificate, token, unknown"),
    _c("mfa", MFA, "is_mfa", "yes, no or unknown"),
    _c("invalid_user", pl.Boolean, "unmapped.invalid_user", "the log says that no such account exists"),
    _c("bytes_in", pl.Int64, "traffic.bytes_in", "bytes received by host"),
    _c("bytes_out", pl.Int64, "traffic.bytes_out", "bytes sent by host"),
    _c("process", pl.String, "process.name", "program"),
    _c("command", pl.String, "process.cmd_line", "command line"),
    _c("parent", pl.String, "process.parent_process.name", "parent program"),
    _c("object", pl.String, "unmapped.object", "file, share, image, service, group, key fingerprint, ..."),
    _c("message", pl.String, "message", "the human text, for keyword rules"),
    _c("count", pl.UInt32, "count", "weight: how many occurrences the record stands for"),
    _c("source", pl.String, "metadata.product.name", "the source module that decoded it"),
    _c("pattern", pl.String, "metadata.event_code", "the message pattern of that source"),
    _c("stream", pl.String, "metadata.log_name", "the producer's log it belongs to"),
    _c("position", pl.Int64, "metadata.sequence", "order within the stream"),
    _c("file", pl.String, "unmapped.file", "file, with archive members after '!'"),
    _c("record", pl.Int64, "unmapped.record", "1-based number of the record in the file"),
    _c("offset", pl.Int64, "unmapped.offset", "byte offset of the record in the (unpacked) file"),
    _c("corroborated_by", pl.List(pl.String), "unmapped.corroborated_by", "sources that reported the same fact"),
    _c("extra", pl.String, "unmapped.extra", "what the log said and no column holds, as a JSON object"),
    _c("site", pl.String, "unmapped.site", "the site of the host"),
    _c("scope", SCOPE, "unmapped.scope", "class of the source address"),
    _c("country", pl.String, "src_endpoint.location.country", "ISO 3166-1 alpha-2 code of the source, or a site's own place name"),
    _c("asn", pl.UInt32, "src_endpoint.autonomous_system.number", "autonomous system number"),
    _c("as_org", pl.String, "src_endpoint.autonomous_system.name", "its organisation"),
    _c("place_radius_km", pl.Float64, "unmapped.place_radius_km", "uncertainty of the place"),
    _c("anonymizer", pl.Boolean, "unmapped.anonymizer", "the source is on the anonymiser list; null without a list"),
    _c("known", pl.Boolean, "unmapped.known", "a live allow entry covers the source"),
    _c("known_by", pl.String, "unmapped.known_by", "that entry, its owner and expiry"),
    _c("off_hours", pl.Boolean, "unmapped.off_hours", "outside the configured hours; null where none are configured"),
    _c("origin_ip", pl.String, "unmapped.origin_ip", "the outside address that caused the event"),
    _c("origin_session", pl.String, "unmapped.origin_session", "the outside session that caused it"),
    _c("hop", pl.UInt8, "unmapped.hop", "distance from the outside session"),
    _c("hop_confidence", pl.String, "unmapped.hop_confidence", "certain, likely or possible"),
)

DTYPES: dict[str, pl.DataType] = {column.name: column.dtype for column in COLUMNS}
NAMES: tuple[str, ...] = tuple(DTYPES)


def complete(frame: pl.DataFrame) -> pl.DataFrame:
    """Return *frame* with exactly the columns of the event table, in order; missing ones are null."""
    return frame.select(pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name) for name, dtype in DTYPES.items())


def ensure(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return *frame* with the columns *names* present; those it lacks are added as nulls of their declared type."""
    missing = [pl.lit(None, DTYPES[name]).alias(name) for name in names if name not in frame.columns]
    return frame.with_columns(missing) if missing else frame


def empty(*names: str) -> pl.DataFrame:
    """Return a frame without rows that has the columns *names*, or all of them."""
    return pl.DataFrame(schema={name: DTYPES[name] for name in (names or NAMES)})

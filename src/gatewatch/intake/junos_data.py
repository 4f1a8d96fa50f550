r"""Messages of Junos that consist of structured data alone (``structured-data brief``), written as the device writes them in words.

``<37>1 2026-01-05T12:00:00Z srx1 sshd 4711 SSHD_LOGIN_FAILED [junos@2636.1.1.1.2.36 username="ann" source-address="203.0.113.7"]``

Flows are left as they are: :mod:`gatewatch.sources.junos` reads their data. What holds a quote or a backslash is left unread.

References: https://www.juniper.net/documentation/us/en/software/junos/network-mgmt/topics/topic-map/structured-data-log-messages.html
"""

from __future__ import annotations

import polars as pl

from gatewatch.intake.header import FRAMINGS
from gatewatch.intake.header import take as framed

_TEXTS = {
    "SSHD_LOGIN_FAILED": "Login failed for user '{username}' from host '{source-address}'",
    "LOGIN_FAILED": "Login failed for user {username} from host {source-address}",
    "LOGIN_INFORMATION": "User {username} logged in from host {hostname} on device {tty-name}",
    "UI_LOGIN_EVENT": "User '{username}' login, class '{class-name}' [{local-peer}], ssh-connection '{ssh-connection}', client-mode '{client-mode}'",
    "UI_LOGOUT_EVENT": "User '{username}' logout",
    "UI_COMMIT": "User '{username}' requested '{command}' operation (comment: {message})",
    "DYNAMIC_VPN_AUTH_OK": "The dynamic vpn authentication for username {username} is successful",
    "DYNAMIC_VPN_AUTH_FAIL": "The dynamic vpn authentication for username {username} failed",
    "FWAUTH_WEBAUTH_SUCCESS": "Web authentication of user {username} at {client-address} is accepted",
    "FWAUTH_WEBAUTH_FAIL": "Web authentication of user {username} at {client-address} is rejected",
}
_NAMES = "|".join(_TEXTS)
HOLDS = r"\[junos@"
_DATA = r'(?: [A-Za-z0-9_-]+="[^"\\]*")*'
GATE = rf"^(?:<[0-9]{{1,3}}>)?1 [^ ]+ [^ ]+ [^ ]+ [^ ]+ (?:{_NAMES}) \[junos@[0-9.]+{_DATA} ?\]$"
_WHOLE = rf"^(?P<head>.*?) (?P<name>{_NAMES}) \[junos@[0-9.]+(?P<data>{_DATA}) ?\]$"


def take(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the records of *lines*, and the lines left."""
    parts = lines.select(pl.col("line").str.extract_groups(_WHOLE).alias("g")).unnest("g")
    said = pl.lit(None, pl.String)
    for name, text in _TEXTS.items():
        said = pl.when(pl.col("name") == name).then(_written(text)).otherwise(said)
    told = parts.select(pl.concat_str("head", pl.lit(" - - "), "name", pl.lit(": "), said).alias("line"))["line"]
    taken, left = framed(FRAMINGS[0], lines.with_columns(told))
    return taken, lines.filter(pl.col("record").is_in(left["record"].implode())) if left.height else lines.clear()


def _written(text: str) -> pl.Expr:
    """Return *text* with the values of the data where their names stand in braces."""
    parts = [piece for part in text.split("{") for piece in part.split("}")]  # words and names by turns
    return pl.concat_str(
        pl.col("data").str.extract(rf' {part}="([^"]*)"').fill_null("") if place % 2 else pl.lit(part) for place, part in enumerate(parts)
    )

"""Collecting the settings of a gateway: what is written, else the vendor's default for the versions whose defaults are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gatewatch.evidence.mask import value
from gatewatch.schema.facts.access import AccessPath
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.machine import Listener


@dataclass(slots=True)
class SettingTable:
    """Settings on their way into a fact. ``doubt``: why defaults (not what is written) may be otherwise; ``gap``: why everything may."""

    default_of: str
    doubt: str = ""
    gap: str = ""
    settings: list[Setting] = field(default_factory=list)

    def written(self, name: str, text: str, where: Where | None, how: str = "as written", uncertain: str = "") -> None:
        """Take what the configuration says."""
        self.settings.append(Setting(name, value(name, text)[:200], how, where, uncertain or self.gap))

    def default(self, name: str, text: str, uncertain: str = "") -> None:
        """Take what holds where the configuration says nothing."""
        self.settings.append(Setting(name, text, f"not set; default of {self.default_of}", None, uncertain or self.gap or self.doubt))

    def either(self, name: str, text: str | None, where: Where | None, default: str) -> None:
        """Take what is written, or else the default."""
        if text is None:
            self.default(name, default)
        else:
            self.written(name, text, where)


def version_doubt(product: str, version: str, known: tuple[str, ...]) -> str:
    """Return why the defaults of this version are not known; empty where they are.

    >>> version_doubt("FortiOS", "7.2.5", ("6.4", "7."))
    ''
    >>> version_doubt("FortiOS", "", ("7.",))
    'the configuration does not name its version of FortiOS'
    """
    if not version:
        return f"the configuration does not name its version of {product}"
    if not version.startswith(known):
        return f"the defaults of {product} {version} are not known"
    return ""


def sockets(path: AccessPath) -> Iterator[Listener]:
    """Yield the sockets a door of users is open on, as configured; names of interfaces stand for any address."""
    for address, port, protocol in path.listeners if path.enabled and not path.admin else ():
        yield Listener(
            host=path.host, as_of=path.as_of, where=path.where, address=address if address[:1].isdigit() else "*", port=port, protocol=protocol,
            service=path.service, process=path.product,
        )  # fmt: skip

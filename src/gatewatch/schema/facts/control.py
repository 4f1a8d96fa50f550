"""Facts of what users may install and load: application control, sudo, extensions of browsers."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact, Where


@dataclass(frozen=True, slots=True, kw_only=True)
class AppControl(Fact):
    """What may run on a machine by AppLocker, WDAC or Gatekeeper. ``collection``: exe, msi, script … or ``all``.

    ``enforced`` false: off, or audit only; ``open``: rules that let everybody run what everybody can write.
    """

    product: str
    collection: str
    enforced: bool
    mode: str
    open: tuple[tuple[str, Where], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SudoRule(Fact):
    """A rule of sudoers: who (a user, or ``%group``) runs which commands, and whether without a password."""

    who: str
    commands: tuple[str, ...]
    passwordless: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserExtension(Fact):
    """An extension in a browser: its name, identifier, and the user it is installed for."""

    browser: str
    name: str
    identifier: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SudoRules(Fact):
    """That the rules of sudo of a host were read, even where they let nobody do anything. ``missing``: files included, not in the evidence."""

    missing: tuple[str, ...] = ()

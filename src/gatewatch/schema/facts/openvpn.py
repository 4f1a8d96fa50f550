"""Facts of OpenVPN servers, before what PAM asks for is known."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.access import Factor
from gatewatch.schema.facts.base import Fact, Where


@dataclass(frozen=True, slots=True)
class LoginStep:
    """A plug-in or script that checks a user: a factor, or a PAM service whose stack tells what is asked for."""

    label: str
    where: Where
    factor: Factor | None = None
    pam: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVpnDoor(Fact):
    """How a server lets users in. ``certificate``: required, optional or none; every step must succeed unless ``login_optional``."""

    name: str
    certificate: str
    steps: tuple[LoginStep, ...] = ()
    login_optional: bool = False
    shared_key: bool = False
    listener: tuple[str, int, str] = ("*", 1194, "udp")
    uncertain: str = ""

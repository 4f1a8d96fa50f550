"""Facts of brokers of remote access: Guacamole, tailnets, Cloudflare's tunnels and the applications in front of them."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Fact, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class GuacamoleSettings(Settings):
    """Settings of Guacamole and guacd. ``listed``: its folder's listing is there, so that ``files`` (base names) are all there are."""

    listed: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TailnetRule(Fact):
    """A rule of a tailnet's policy: ``kind`` acl, grant or ssh; who (``sources``) reaches what (``targets``, with ports where it names some)."""

    kind: str
    action: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelRoute(Fact):
    """A route of a Cloudflare tunnel. ``hostname`` empty: whatever no other route takes; ``checked``: the tunnel itself asks for Access' token."""

    hostname: str
    service: str
    checked: bool
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessApplication(Fact):
    """An application of Cloudflare Access: its domains, and the policies that let anybody in: (name, decision, rules it includes)."""

    name: str
    domains: tuple[str, ...]
    policies: tuple[tuple[str, str, tuple[str, ...]], ...]

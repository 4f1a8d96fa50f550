"""Remote-access software: products that let somebody from outside control a machine or tunnel to it, and how they show in inventories.

Names as the vendors write them in packages, services and program lists; grouped by product. Public knowledge, such as the LOLRMM project's list.
"""

from __future__ import annotations

import re

TOOLS: dict[str, tuple[str, ...]] = {
    "AnyDesk": ("anydesk",), "TeamViewer": ("teamviewer",), "ScreenConnect": ("screenconnect", "connectwise control"),
    "Splashtop": ("splashtop",), "RustDesk": ("rustdesk",), "Atera": ("atera", "ateraagent"), "NetSupport": ("netsupport",),
    "DWService": ("dwagent", "dwservice"), "ngrok": ("ngrok",), "cloudflared": ("cloudflared",), "Tailscale": ("tailscale", "tailscaled"),
    "ZeroTier": ("zerotier", "zerotier-one", "zerotieroneservice"), "chisel": ("chisel",), "frp": ("frpc", "frps"), "gost": ("gost",),
    "LogMeIn": ("logmein", "gotoassist", "goto resolve", "gotomypc"), "Radmin": ("radmin",), "Remote Utilities": ("remote utilities", "rutserv"),
    "Ammyy": ("ammyy", "aa_v3"), "Supremo": ("supremo",), "Kaseya": ("kaseya", "agentmon"), "N-able": ("n-able", "take control agent", "basupsrvc"),
    "SimpleHelp": ("simplehelp", "simplegateway"), "Level": ("level.io",), "MeshCentral": ("meshagent", "mesh agent"), "Action1": ("action1",),
    "Syncro": ("syncro",), "Pulseway": ("pulseway",), "Parsec": ("parsec",), "Chrome Remote Desktop": ("chrome remote desktop", "chromoting"),
    "TightVNC": ("tightvnc", "tvnserver"), "UltraVNC": ("ultravnc", "uvnc_service"), "RealVNC": ("realvnc", "vnc connect"),
    "TigerVNC": ("tigervnc", "tigervnc-standalone-server"), "VNC server": ("vncserver", "vnc server", "x11vnc"), "Tor": ("tor", "tor browser"),
    "plink": ("plink",),
    "NoMachine": ("nomachine", "nxserver"), "Hamachi": ("hamachi",), "SoftEther": ("softether",), "ISL Online": ("isl alwayson", "isl light"),
    "Zoho Assist": ("zoho assist", "zohours"), "BeyondTrust": ("bomgar", "beyondtrust remote support"), "Netbird": ("netbird",),
}  # fmt: skip
_WHOLE = frozenset({"tor", "gost", "frpc", "frps", "chisel", "plink", "parsec", "atera", "syncro", "action1", "supremo", "radmin"})
"""Words that stand within other names too (libengine-gost-openssl, apt-transport-tor): these count as a whole name only."""
_ENDING = re.compile(r"(?i)(?:\.exe|\.service|@.{0,80}|[-_ ]?v?\d[\d.]{0,20})$")
_PATTERN = {
    product: re.compile(r"(?i)(?:^|[^a-z0-9])(?:" + "|".join(re.escape(name) for name in names if name not in _WHOLE) + r")(?:$|[^a-z0-9])")
    for product, names in TOOLS.items()
    if any(name not in _WHOLE for name in names)
}
_EXACT = {name: product for product, names in TOOLS.items() for name in names}


def product_of(name: str) -> str:
    """Return the remote-access product that a package, program, service or its path is called after; empty when it is none.

    >>> product_of("AnyDesk 8.0"), product_of("tor.service"), product_of("apt-transport-tor"), product_of("ScreenConnect Client (0123)")
    ('AnyDesk', 'Tor', '', 'ScreenConnect')
    """
    text = name[:400].strip()
    whole = _EXACT.get(text.casefold()) or _EXACT.get(_ENDING.sub("", text).casefold())
    return whole or next((product for product, pattern in _PATTERN.items() if pattern.search(text)), "")

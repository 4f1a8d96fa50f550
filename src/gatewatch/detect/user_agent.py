"""User agents: on what kind of system a client of a web session runs, as far as it says so itself."""

from __future__ import annotations

import re

import msgspec

_SYSTEMS = (
    (re.compile(r"^(?:python|curl/|wget/|go-http-client|axios/|node-fetch|undici|httpx|aiohttp)|powershell/", re.IGNORECASE), "a script"),
    (re.compile(r"windows phone", re.IGNORECASE), "Windows Phone"),
    (re.compile(r"windows", re.IGNORECASE), "Windows"),
    (re.compile(r"iphone|ipad|ipod", re.IGNORECASE), "iOS"),
    (re.compile(r"android", re.IGNORECASE), "Android"),
    (re.compile(r"macintosh|mac os x", re.IGNORECASE), "macOS"),
    (re.compile(r"\bcros\b", re.IGNORECASE), "ChromeOS"),
    (re.compile(r"linux|x11", re.IGNORECASE), "Linux"),
)


class _Extra(msgspec.Struct):
    userAgent: str | None = None  # noqa: N815 - as sources write it


def system(extra: str | None) -> str | None:
    """Return the system that the user agent in *extra* (JSON) names, "a script" for a program that names none; None where nothing says so.

    >>> system('{"userAgent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126"}'), system('{"userAgent":"python-requests/2.31"}'), system("{}")
    ('Windows', 'a script', None)
    """
    if extra is None or "userAgent" not in extra:
        return None
    try:
        agent = msgspec.json.decode(extra, type=_Extra).userAgent
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return next((name for regex, name in _SYSTEMS if regex.search(agent)), None) if agent else None

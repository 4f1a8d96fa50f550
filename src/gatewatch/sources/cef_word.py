"""Words of devices: whether a text such as ``User login failed`` says that somebody logged on or off, and how it ended.

Every word must be known: a text with any other word says something else, or we do not know what. Nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

LOGON = "logon"
LOGOFF = "logoff"
UNKNOWN = "words that tell no logon we know"
CONTRADICTION = "words that contradict each other"
GOOD = True
BAD = False

HINT = (
    r"(?i)(?:log|sign|logged|signed)[ _-]?(?:in|on|out|off)|auth|:(?:4[67][0-9]{2}|627[23])\||\|PingFederate\||"
    r"(?:user|account|admin|password)[a-z ]{0,30}(?:created|added|deleted|removed|enabled|disabled|locked|changed|reset)"
)
"""What every text holds that :func:`judge` or :func:`change` can make something of."""
_PHRASES = (
    (re.compile(r"\b(?:logged|signed)[ -]?(?:in|on)(?:to)?\b"), "xloggedon"),
    (re.compile(r"\b(?:logged|signed)[ -]?(?:out|off)\b"), "xlogoff"),
    (re.compile(r"\b(?:log|sign)[ -]?(?:in|on)s?\b"), "xlogon"),
    (re.compile(r"\b(?:log|sign)[ -]?(?:out|off)s?\b"), "xlogoff"),
    (re.compile(r"\bssl[ -]vpn\b"), "sslvpn"),
)
_TOPICS = {
    "xlogon": LOGON,
    "xloggedon": LOGON,
    "xlogoff": LOGOFF,
    **dict.fromkeys(("authentication", "authenticated", "authenticate", "auth", "authn"), LOGON),
}
_DONE = frozenset({"xloggedon", "authenticated"})  # what was done succeeded
_OUTCOMES = {
    **dict.fromkeys(("success", "succeeded", "successful", "successfully", "ok", "accepted", "accept", "allowed", "granted", "passed"), GOOD),
    **dict.fromkeys(("failure", "failures", "failed", "fail", "fails", "unsuccessful", "denied", "deny", "rejected", "refused", "invalid"), BAD),
    **dict.fromkeys(("incorrect", "wrong", "bad", "error", "unsuccessfully", "not"), BAD),
}
_FILLERS = frozenset(
    (
        "a", "an", "the", "has", "was", "is", "were", "been", "to", "for", "by", "with", "of", "from", "in", "on", "at", "via", "as", "and",
        "user", "users", "account", "admin", "administrator", "admins", "administrative", "operator", "remote", "access", "vpn", "sslvpn",
        "ssh", "rdp", "web", "webui", "gui", "cli", "console", "portal", "gateway", "client", "attempt", "attempts", "event", "events",
        "session", "password", "passwords", "credentials", "system", "interactive", "network", "local", "primary", "ui", "management",
        "server", "device", "appliance", "mfa", "ldap", "radius", "tacacs", "saml", "ad", "local", "dashboard", "globalprotect",
        "anyconnect", "name", "username", "verify", "cms",
    )
)  # fmt: skip
_HUMP = re.compile(r"(?<=[a-z])\B(?=[A-Z])")  # LoginFailed
_SPLIT = re.compile(r"[^a-z0-9]+")


class Said(NamedTuple):
    """What a text says: logon or logoff, and whether it succeeded (None: not said)."""

    topic: str
    good: bool | None


@lru_cache(maxsize=1 << 12)
def _words(text: str) -> tuple[str, ...]:
    lowered = text.lower().replace("_", " ")
    for phrase, word in _PHRASES:
        lowered = phrase.sub(word, lowered)
    return tuple(word for word in _SPLIT.split(lowered) if word)


@lru_cache(maxsize=1 << 12)
def judge_plain(text: str) -> Said | str | None:
    """Return what *text* says where it holds no name."""
    return judge(text)


def judge(text: str, names: Collection[str] = ()) -> Said | str | None:
    """Return what *text* says; a text where it contradicts itself, None where it says anything else. *names* are words that are names.

    >>> judge("User ann logged in", {"ann"}), judge("Login failed"), judge("Login policy changed")
    (Said(topic='logon', good=True), Said(topic='logon', good=False), None)
    """
    found = _judged(text, names)
    return _judged(_HUMP.sub(" ", text), names) if found is None and _HUMP.search(text) is not None else found


def _judged(text: str, names: Collection[str]) -> Said | str | None:
    words = [word for word in _words(text) if word not in names]
    topics = {_TOPICS[word] for word in words if word in _TOPICS}
    if not topics or any(word not in _TOPICS and word not in _OUTCOMES and word not in _FILLERS for word in words):
        return None
    outcomes = {_OUTCOMES[word] for word in words if word in _OUTCOMES}
    if len(topics) > 1 or len(outcomes) > 1:
        return CONTRADICTION
    good = next(iter(outcomes)) if outcomes else (GOOD if any(word in _DONE for word in words) else None)
    return Said(topics.pop(), good)


def tells(word: str) -> bool:
    """Return whether *word* is one that says something of a logon."""
    return word in _TOPICS or word in _OUTCOMES


def has_topic(text: str) -> bool:
    """Return whether *text* holds a word that is about logons or logoffs, whatever else it says."""
    return any(word in _TOPICS for word in _words(text))


def outcome(text: str) -> bool | None:
    """Return whether *text*, an outcome alone (``Success``, ``/Failure``), is good; None where it is no such word."""
    return _OUTCOMES.get(text.strip().strip("/").lower()) if text else None


_ACCOUNT = r"(?:a |local |new )?(?:user|account|administrator|admin)(?: account)? (?:was |has been )?"
_CHANGES = (
    (re.compile(_ACCOUNT + "(?:created|added)"), "user-created"),
    (re.compile(_ACCOUNT + "(?:deleted|removed)"), "user-deleted"),
    (re.compile(_ACCOUNT + "enabled"), "user-enabled"),
    (re.compile(_ACCOUNT + "disabled"), "user-disabled"),
    (re.compile(_ACCOUNT + "locked(?: out)?"), "account-locked"),
    (re.compile(_ACCOUNT + "unlocked"), "account-unlocked"),
    (re.compile(r"(?:user |account )?password (?:was |has been )?(?:changed|reset)"), "password-changed"),
)


_CATEGORIES = {**dict.fromkeys(("success", "succeeded", "successful"), GOOD), **dict.fromkeys(("failed", "failure", "unsuccessful"), BAD)}
_PREFIX = re.compile(r"(?:[A-Z]{2,5}_){1,3}(?=(?:AUTH|AUTHENTICATION|LOGIN|LOGON|LOGOUT|LOGOFF)_)")


def category(text: str) -> bool | None:
    """Return whether a category (LEEF's ``cat``) is nothing but a good or bad outcome; None where it says anything else."""
    return _CATEGORIES.get(text.strip().lower()) if text else None


def shortened(text: str) -> str:
    """Return an identifier in capitals, ``LMS_EV_AUTH_ERROR``, without the short words before what it is about."""
    return _PREFIX.sub("", text, count=1) if _PREFIX.match(text) is not None else text


def change(text: str) -> str | None:
    """Return the pattern of the change of an account that *text* tells, None where it tells none.

    >>> change("User created"), change("User session created")
    ('user-created', None)
    """
    plain = " ".join(word for word in _SPLIT.split(text.lower()) if word)
    return next((pattern for regex, pattern in _CHANGES if regex.fullmatch(plain)), None)

"""The words of the report, each in a sentence."""

from __future__ import annotations

GLOSSARY: tuple[tuple[str, str], ...] = (
    ("Acceptance", "The moment a service let the outsider in: a password, key or token it took as valid."),
    ("Access ledger", "Every accepted access from outside, harmless or not. A row in it accuses nobody."),
    ("Attempts only", "Outside sources that tried and never got in. They are counted, and never an incident."),
    ("Chain", "The order of events that makes an incident: for example many failures, then a logon, then a logon elsewhere from there."),
    ("Clock fault", "A log whose clock jumped backwards. Times near it are less sure."),
    (
        "Confidence",
        "How sure the order and the cause are. A path's step is certain (same session), likely (same host and user, no rival) or possible.",
    ),
    ("Gap", "A silence in a log much longer than its habit. Nothing seen in a gap means nothing."),
    ("Incident", "What belongs together: matches of chains that share an outside address, a session or a door."),
    ("Not seen", "What a chain would have looked at and no log given could show. It is unknown, not absent."),
    ("Origin", "The outside address that caused an event, also where it acted through hosts inside."),
    ("Second door", "A way back in made during the intrusion: an account, a key, a service, a tunnel."),
    ("Severity", "High needs proof, critical is high with onward movement. Geography and hours alone never raise it."),
    (
        "Used, ignored, unrecognised, rejected",
        "What became of each record; the four add up to the records read. Ignored ones were understood and say nothing of access.",
    ),
)

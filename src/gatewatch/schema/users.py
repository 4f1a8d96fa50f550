"""Account names as logs write them, split into user and domain, case-folded."""

from __future__ import annotations

from functools import lru_cache

REDACTED = ("<private>", "<mask.hash")  # of macOS
_EMPTY = frozenset({"", "-", "?", "(null)", "null", "n/a", "(unknown)", "(unknown user)", "(invalid user)", "unset"})


@lru_cache(maxsize=1 << 16)
def split_user(text: str) -> tuple[str | None, str | None]:
    r"""Return ``(user, domain)``: ``DOM\u``, ``u@dom`` and ``CN=u,...`` resolved; redacted or empty names are null.

    >>> split_user("CORP\\Ann"), split_user("ann@corp.example"), split_user("CN=Ann,OU=x"), split_user("*****")
    (('ann', 'corp'), ('ann', 'corp.example'), ('ann', None), (None, None))
    """
    name = text.strip()
    if name.lower() in _EMPTY or not name.strip("*") or name.startswith(REDACTED):
        return None, None
    domain = ""
    if "\\" in name:
        domain, _, name = name.partition("\\")
        name = name.lstrip("\\")
    elif name.upper().startswith("CN="):
        name = name[3:].partition(",")[0]
    elif name.count("@") == 1:
        name, _, domain = name.partition("@")
    return (name.casefold() or None), (domain.casefold() or None)

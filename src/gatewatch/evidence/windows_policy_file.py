"""Registry.pol: the registry values that a group policy sets, as its backup, SYSVOL and ``System32\\GroupPolicy`` hold them.

::

    PReg, version 1, then in UTF-16: [SOFTWARE\\Policies\\Microsoft\\Windows NT\\Terminal Services;UserAuthentication;REG_DWORD;4;1]

It says what this policy sets, not what others do: a value that is not there may come from elsewhere. Reference: MS-GPREG 2.2.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gatewatch.evidence.document import Document

SIGNATURE = b"PReg\x01\x00\x00\x00"
_KINDS = {1: "sz", 2: "expand_sz", 3: "binary", 4: "dword", 7: "multi_sz", 11: "qword"}
_MOST = 100_000  # records of a file
_NAME = 2 * 16_384  # bytes of a key or name


def entries(document: Document) -> Iterator[tuple[str, str, str, str]]:
    """Yield (key, name, type, text) of each value; ends where the file is damaged. Numbers are decimal, bytes are left out."""
    data, at = document.data, len(SIGNATURE)
    hive = "HKEY_CURRENT_USER" if "/user/" in f"/{document.path.lower()}" else "HKEY_LOCAL_MACHINE"
    for _ in range(_MOST):
        if data[at : at + 2] != b"[\0":
            return
        key, at = _word(data, at + 2)
        name, at = _word(data, at)
        if at < 0 or len(data) < at + 14:
            return
        kind, size = struct.unpack_from("<I2xI2x", data, at)
        body = data[at + 12 : at + 12 + size]
        at += 12 + size
        if len(body) < size or data[at : at + 2] != b"]\0":
            return
        at += 2
        if not name.startswith("**"):  # deletions: they say nothing of what holds then
            yield f"{hive}\\{key}", name, _KINDS.get(kind, "binary"), _text(_KINDS.get(kind, "binary"), body)


def _word(data: bytes, at: int) -> tuple[str, int]:
    """Return the text that ends in NUL and ``;``, and where the next begins; -1 where there is no such end."""
    if at < 0:
        return "", -1
    end = at
    while end - at < _NAME and data[end : end + 2] not in {b"\0\0", b""}:
        end += 2
    return (data[at:end].decode("utf-16-le", "replace"), end + 4) if data[end : end + 4] == b"\0\0;\0" else ("", -1)


def _text(kind: str, body: bytes) -> str:
    if kind in {"dword", "qword"}:
        return str(int.from_bytes(body, "little")) if len(body) in {4, 8} else ""
    if kind == "binary":
        return ""
    return ";".join(part for part in body.decode("utf-16-le", "replace").split("\0") if part)

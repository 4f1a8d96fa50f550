"""Extensions in browsers, as osquery lists them.

::

    [{"browser_type": "chrome", "name": "Chrome Remote Desktop", "identifier": "inomeogfingihgjfjlpeplalcfajhgai", "uid": "1001"}]

Reference: osquery tables chrome_extensions and firefox_addons.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import SURE, Format, Outcome, Rejected
from gatewatch.evidence.powershell import has, rows
from gatewatch.schema.facts.control import BrowserExtension

_FILES = ("chrome-extensions.json", "firefox-addons.json")


def _recognise(document: Document) -> int:
    if document.at(*(f"commands/{name}" for name in _FILES)):
        return SURE
    chrome = has(document, "identifier", "name", "browser_type")
    return SURE if chrome or has(document, "identifier", "name", "autoupdate", "source_url") else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        found = rows(document)
        if found is None:
            yield Rejected(document, document.fault or "lists nothing")
            continue
        made = 0
        for row, where in found:
            if row.get("identifier"):
                made += 1
                yield BrowserExtension(
                    host=bundle.host, as_of=document.as_of, where=(where,), browser=row.get("browser_type") or "firefox",
                    name=row.get("name", ""), identifier=row["identifier"], user=row.get("uid", ""),
                )  # fmt: skip
        if not made:
            yield Rejected(document, "lists no extension: a browser without any and a query that failed look the same")


FORMAT = Format(
    name="browser-extension",
    title="Extensions in browsers (osquery)",
    recognise=_recognise,
    read=_read,
    collect='osqueryi --json "SELECT * FROM users CROSS JOIN chrome_extensions USING (uid)" > EVIDENCE/commands/chrome-extensions.json',
    references=("osquery: chrome_extensions", "osquery: firefox_addons"),
)

"""Mandatory policies of browsers: Chrome, Chromium and Edge as JSON or property list, Firefox as ``policies.json``.

::

    /etc/opt/chrome/policies/managed/site.json     {"RemoteAccessHostAllowRemoteAccessConnections": false, "DnsOverHttpsMode": "off"}
    /usr/lib/firefox/distribution/policies.json    {"policies": {"DNSOverHTTPS": {"Enabled": false, "Locked": true}}}
    /Library/Managed Preferences/com.google.Chrome.plist

Policies that are only recommended (``policies/recommended``) users may change, so they do not count. Files of one folder add up; two that say
different things of one policy make it uncertain. Reference: Chrome Enterprise policy list, Microsoft Edge policies, mozilla/policy-templates.
"""

from __future__ import annotations

import plistlib
from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.kube_config import texts, word
from gatewatch.evidence.mask import quote
from gatewatch.evidence.mask import value as masked
from gatewatch.evidence.tree import parse_json
from gatewatch.schema.facts.base import Setting, Where
from gatewatch.schema.facts.web import BrowserPolicy

_FOLDERS = (
    ("chrome", ("opt/chrome/policies/managed/*.json", "chrome/policies/managed/*.json", "com.google.Chrome.plist")),
    ("chromium", ("chromium/policies/managed/*.json", "chromium-browser/policies/managed/*.json", "org.chromium.Chromium.plist")),
    ("edge", ("opt/edge/policies/managed/*.json", "edge/policies/managed/*.json", "com.microsoft.Edge.plist", "com.microsoft.edgemac.plist")),
    ("firefox", ("firefox/policies/policies.json", "distribution/policies.json", "org.mozilla.firefox.plist", "firefox/policies.json")),
)
_RECOMMENDED = tuple(
    (name, tuple(pattern.replace("/managed/", "/recommended/") for pattern in patterns if "/managed/" in pattern)) for name, patterns in _FOLDERS
)
"""Where policies stand that users may change."""
_DEPTH = 6


def _product(document: Document) -> str:
    return next((name for name, patterns in _FOLDERS if document.at(*patterns)), "")


def _recommended(document: Document) -> str:
    return next((name for name, patterns in _RECOMMENDED if patterns and document.at(*patterns)), "")


def _recognise(document: Document) -> int:
    if _product(document) or _recommended(document):
        return SURE
    head = document.head
    return LIKELY if head.lstrip().startswith("{") and '"policies"' in head and ('"DNSOverHTTPS"' in head or '"ExtensionSettings"' in head) else 0


def _tree(document: Document) -> tuple[Any, str]:
    if document.data.startswith(b"bplist") or document.head.lstrip().startswith("<"):
        try:
            return plistlib.loads(document.data), ""
        except (plistlib.InvalidFileException, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            return None, f"is no property list: {error}"
        except Exception as error:  # noqa: BLE001 - expat's error has no base of its own
            return None, f"is no property list: {error}"
    kept = "\n".join("" if line.lstrip().startswith("//") else line for line in document.lines)
    return parse_json(kept)


def _flat(tree: Any, document: Document, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str, tuple[str, ...] | None, Where]]:
    if not isinstance(tree, dict) or depth > _DEPTH:
        return
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield name.lower(), "(set)", None, document.spot(f"$.{name}", name)
            yield from _flat(value, document, f"{name}.", depth + 1)
        elif isinstance(value, list):
            listed = texts(value)
            yield name.lower(), " ".join(listed)[:300], listed, document.spot(f"$.{name}", f'"{name}": {", ".join(listed[:20])}')
        else:
            yield name.lower(), quote(masked(str(key), word(value))), None, document.spot(f"$.{name}", f'"{name}": {word(value)}')


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    loose = [one for one in documents if _recommended(one)]
    documents = [one for one in documents if not _recommended(one)]
    ruled = {_product(one) or "firefox" for one in documents}
    for document in loose:
        product = _recommended(document)
        if product in ruled:
            yield Ignored(document, "recommends policies, which users may change")
            continue
        ruled.add(product)  # nothing is mandatory, and that is told
        yield BrowserPolicy(
            host=bundle.host, as_of=document.as_of, where=(document.spot("$", "recommended only: users may change it"),), service="browser",
            scope=product, product=product,
        )  # fmt: skip
    for product in dict.fromkeys(_product(one) or "firefox" for one in documents):
        settings: dict[str, Setting] = {}
        lists: dict[str, tuple[str, ...]] = {}
        mine = [one for one in documents if (_product(one) or "firefox") == product]
        good: list[Document] = []
        for document in mine:
            tree, fault = _tree(document)
            if fault or not isinstance(tree, dict):
                yield Rejected(document, fault or "holds no policies")
                continue
            inner = tree.get("policies") if product == "firefox" and isinstance(tree.get("policies"), dict) else tree
            entries = list(_flat(inner, document))
            if not entries:
                yield Ignored(document, "sets no policy")
                continue
            good.append(document)
            for name, value, listed, where in entries:
                before = settings.get(name)
                doubt = f"{before.where.file} says otherwise" if before is not None and before.where is not None and before.value != value else ""
                settings[name] = Setting(name, value, "mandatory policy", where, doubt)
                if listed is not None:
                    lists[name] = listed
        if good:
            broken = len(good) < len(mine)
            values = tuple(settings.values())
            if broken:
                doubt = "another policy file cannot be read"
                values = tuple(Setting(one.name, one.value, one.how, one.where, one.uncertain or doubt) for one in values)
            yield BrowserPolicy(
                host=bundle.host, as_of=good[0].as_of, where=(good[0].spot("$"),), service="browser", scope=product, product=product, values=values,
                lists=tuple(lists.items()),
            )  # fmt: skip


FORMAT = Format(
    name="browser-policy",
    title="Mandatory policies of browsers (Chrome, Edge, Firefox)",
    recognise=_recognise,
    read=_read,
    collect="cp -r /etc/opt/chrome /etc/opt/edge EVIDENCE/etc/opt/; cp -r /etc/firefox EVIDENCE/etc/",
    references=("Chrome Enterprise policy list", "Microsoft Edge policies", "mozilla/policy-templates"),
)

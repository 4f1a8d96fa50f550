"""Browser policies of Windows: the keys of Chrome, Edge, Chromium and Firefox below ``HKLM\\SOFTWARE\\Policies``.

::

    [HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Edge]
    "SmartScreenEnabled"=dword:00000001
    [HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Google\\Chrome\\ExtensionInstallBlocklist]
    "1"="*"

Lists are keys of numbered values, dictionaries are text in JSON; what stands below ``Recommended`` users may change, so it does not count.
References: Chrome Enterprise policy list, Microsoft Edge policies, mozilla/policy-templates (Windows).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gatewatch.evidence.kube_config import texts, word
from gatewatch.evidence.mask import value as masked
from gatewatch.evidence.tree import parse_json
from gatewatch.evidence.windows_registry_text import Table, Value
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.web import BrowserPolicy

_PRODUCTS = (
    ("chrome", "hklm\\software\\policies\\google\\chrome"), ("edge", "hklm\\software\\policies\\microsoft\\edge"),
    ("chromium", "hklm\\software\\policies\\chromium"), ("firefox", "hklm\\software\\policies\\mozilla\\firefox"),
)  # fmt: skip
_NUMBERS = frozenset({
    "downloadrestrictions", "developertoolsavailability", "safebrowsingprotectionlevel", "browsersignin", "incognitomodeavailability",
    "inprivatemodeavailability", "proxyservermode", "remoteaccesshostmaximumsessiondurationminutes",
})  # fmt: skip
"""Policies that are numbers; every other one that is 0 or 1 is a switch."""
_HOW = "mandatory policy in the registry"
_DEPTH = 4


def policies(table: Table, host: str, as_of: datetime | None) -> Iterator[BrowserPolicy]:
    """Yield the policies of each browser that the registry sets any of."""
    for product, root in _PRODUCTS:
        settings: dict[str, Setting] = {}
        lists: dict[str, tuple[str, ...]] = {}
        for key in [one for one in table.keys if one == root or one.startswith(root + "\\")]:
            inner = key[len(root) :].strip("\\").replace("\\", ".")
            if inner.split(".", 1)[0] == "recommended":
                continue
            numbered = [value for name, value in table.keys[key].items() if name.isdigit()]
            if inner and numbered:
                lists[inner] = tuple(value.text for value in numbered)
                settings[inner] = Setting(inner, " ".join(lists[inner])[:300], _HOW, numbered[0].where, numbered[0].doubt)
            for name, value in table.keys[key].items():
                if name and not name.isdigit():
                    _take(f"{inner}.{name}" if inner else name, value, settings, lists)
        if settings:
            where = next((one.where for one in settings.values() if one.where is not None), None)
            yield BrowserPolicy(
                host=host, as_of=as_of, where=(where,) if where is not None else (), service="browser", scope=product, product=product,
                values=tuple(settings.values()), lists=tuple(lists.items()),
            )  # fmt: skip


def _take(name: str, value: Value, settings: dict[str, Setting], lists: dict[str, tuple[str, ...]]) -> None:
    tree = parse_json(value.text)[0] if value.kind in {"sz", "expand_sz", "multi_sz"} and value.text[:1] in {"{", "["} else None
    if isinstance(tree, (dict, list)):
        for inner, text, listed in _flat(tree, name):
            settings[inner] = Setting(inner, text, _HOW, value.where, value.doubt)
            if listed is not None:
                lists[inner] = listed
        return
    switch = value.kind == "dword" and value.text in {"0", "1"} and name not in _NUMBERS
    text = {"0": "false", "1": "true"}[value.text] if switch else value.text
    settings[name] = Setting(name, text, _HOW, value.where, value.doubt)


def _flat(tree: Any, name: str, depth: int = 0) -> Iterator[tuple[str, str, tuple[str, ...] | None]]:
    if isinstance(tree, dict) and depth <= _DEPTH:
        yield name, "(set)", None
        for key, value in tree.items():
            yield from _flat(value, f"{name}.{str(key).lower()}", depth + 1)
    elif isinstance(tree, list):
        listed = texts(tree)
        yield name, " ".join(listed)[:300], listed
    else:
        yield name, masked(name, word(tree)), None

"""Suricata: the rule files it loads, which rules in them are on, and where its alerts go.

::

    rule-files: [suricata.rules]
    outputs:
      - eve-log: {enabled: yes, filetype: regular, types: [alert, dns]}

    alert tcp $HOME_NET any -> [198.51.100.7] any (msg:"Tor relay"; sid:1;)
    # alert ...   (a rule that is off)

Reference: Suricata user guide, "suricata.yaml", "Rules format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gatewatch.evidence.document import Bundle, Document
from gatewatch.evidence.format import LIKELY, SURE, Format, Ignored, Outcome, Rejected
from gatewatch.evidence.kube_config import texts, word
from gatewatch.schema.facts.base import Setting
from gatewatch.schema.facts.machine import LogTarget
from gatewatch.schema.facts.web import SensorRules, SensorSettings

_RULE = re.compile(r"\s{0,20}(#{0,3})\s{0,4}(alert|drop|reject\w{0,4}|pass)\s+[\w-]{1,20}\s+[^<>\n]*?(?:->|<>)")
_TOR = re.compile(r"(?i)msg\s{0,4}:\s{0,4}\"[^\"]{0,200}\btor\b|\.onion\b|tor2web")


def _recognise(document: Document) -> int:
    if document.at("suricata/suricata.yaml"):
        return SURE
    head = document.head
    if document.path.endswith(".rules") and _RULE.search(head):
        return SURE
    return LIKELY if head.startswith("%YAML") and "rule-files:" in document.text and "eve-log" in document.text else 0


def _read(documents: list[Document], bundle: Bundle) -> Iterator[Outcome]:
    for document in documents:
        yield from _rules(document, bundle) if document.path.endswith(".rules") else _settings(document, bundle)


def _rules(document: Document, bundle: Bundle) -> Iterator[Outcome]:
    counts = {"on": 0, "off": 0, "tor": 0, "tor off": 0}
    first = None
    for number, line in enumerate(document.lines, 1):
        if "->" not in line and "<>" not in line:
            continue
        found = _RULE.match(line[:4000])
        if found is None:
            continue
        off, action = bool(found[1]), found[2]
        about = action != "pass" and _TOR.search(line[:4000]) is not None
        counts["off" if off else "on"] += 1
        if about:
            counts["tor off" if off else "tor"] += 1
            first = first or document.where(number)
    if not counts["on"] + counts["off"]:
        yield Ignored(document, "holds no rule")
        return
    yield SensorRules(
        host=bundle.host, as_of=document.as_of, where=(first or document.where(1),), product="suricata", path="/" + document.path.lstrip("/"),
        enabled=counts["on"], disabled=counts["off"], tor=counts["tor"], tor_disabled=counts["tor off"], first=first,
    )  # fmt: skip


def _settings(document: Document, bundle: Bundle) -> Iterator[Outcome]:
    trees = [one for one in document.yaml() if isinstance(one, dict)]
    if not trees:
        yield Rejected(document, document.fault or "sets nothing")
        return
    tree = trees[0]
    alerts: list[Setting] = []
    for number, output in enumerate(tree.get("outputs") or () if isinstance(tree.get("outputs"), list) else ()):
        for name, one in output.items() if isinstance(output, dict) else ():
            if not isinstance(one, dict) or not _on(one.get("enabled")):
                continue
            kinds = [next(iter(kind), "") if isinstance(kind, dict) else str(kind) for kind in one.get("types") or () if kind]
            where = document.spot(f"$.outputs[{number}].{name}", f"{name}: {', '.join(kinds)}")
            if name == "fast" or (name in {"eve-log", "syslog"} and (name == "syslog" or "alert" in kinds)):
                target = str(one.get("filetype") or ("syslog" if name == "syslog" else "regular"))
                alerts.append(Setting(name, target, "enabled output", where))
                yield LogTarget(
                    host=bundle.host, as_of=document.as_of, where=(where,), service="ids", target=target,
                    remote=target == "redis", kinds=("alert",),
                )  # fmt: skip
    folder = str(tree.get("default-rule-path") or "")
    files = tuple(one if one.startswith("/") else f"{folder.rstrip('/')}/{one}" for one in texts(tree.get("rule-files")))
    yield SensorSettings(
        host=bundle.host, as_of=document.as_of, where=(document.spot("$.rule-files", f"rule-files: {', '.join(files)}"),), product="suricata",
        files=files, alerts=tuple(alerts),
    )  # fmt: skip


def _on(value: Any) -> bool:
    return word(value).lower() in {"yes", "true", "on", "1"}


FORMAT = Format(
    name="suricata",
    title="Suricata: settings and rules",
    recognise=_recognise,
    read=_read,
    collect="cp /etc/suricata/suricata.yaml EVIDENCE/etc/suricata/; cp -r /var/lib/suricata/rules EVIDENCE/var/lib/suricata/",
    references=("Suricata user guide",),
)

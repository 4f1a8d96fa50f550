"""An ATT&CK Navigator layer of a scan: what was observed, what these logs could have shown, where they are blind.

Reference: Navigator layer format 4.5 (https://github.com/mitre-attack/attack-navigator).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from gatewatch.schema.control import Standing
from gatewatch.schema.incidents import Scan
from gatewatch.schema.measure import Mitigation
from gatewatch.sinks import digest
from gatewatch.sinks.document import encode

VERSIONS = {"attack": "18", "navigator": "5.1.0", "layer": "4.5"}
_LOOK: Mapping[str, tuple[int, str]] = {"observed": (100, "#d6336c"), "detectable": (50, "#74a9e8"), "blind": (0, "#c9ced6")}
_WORDS = {
    "observed": "seen in incidents of these logs",
    "detectable": "not seen; these logs could have shown it",
    "blind": "these logs could not have shown it",
}


@dataclass(frozen=True, slots=True)
class Navigator:
    """Writes the scan as a Navigator layer; the score is 100 for observed, 50 for detectable, 0 for blind."""

    name: str = "navigator"
    title: str = "an ATT&CK Navigator layer: observed, detectable with these logs, blind"

    def write(self, scan: Scan, out: TextIO, *, color: bool, width: int) -> None:  # noqa: ARG002 - a machine reads it
        """Write the layer."""
        layer = {
            "name": f"gatewatch scan{f' of {scan.site}' if scan.site else ''}",
            "versions": VERSIONS,
            "domain": "enterprise-attack",
            "description": f"{digest.headline(scan)}; {scan.records} records of {digest.file_count(scan)} files",
            "sorting": 3,
            "techniques": [self._technique(scan, one, state) for one, state in sorted(scan.techniques.items())],
            "legendItems": [{"label": f"{state}: {_WORDS[state]}", "color": color} for state, (_, color) in _LOOK.items()],
            "showTacticRowBackground": False,
            "selectTechniquesAcrossTactics": True,
            "selectSubtechniquesWithParent": False,
        }
        out.write(encode(layer) + "\n")

    @staticmethod
    def _technique(scan: Scan, technique: str, state: str) -> dict[str, object]:
        score, color = _LOOK[state]
        seen = [incident.id for incident in scan.incidents if any(one.id == technique for one in incident.attack)]
        made: dict[str, object] = {
            "techniqueID": technique,
            "score": score,
            "color": color,
            "comment": _WORDS[state] + (f": {', '.join(seen[:20])}" if seen else ""),
            "enabled": True,
            "showSubtechniques": "." in technique,
        }
        if technique == "T1133":
            made["metadata"] = [{"name": f"{one} {one.label}", "value": _standing(scan, one)} for one in Mitigation]
        return made


def _standing(scan: Scan, mitigation: Mitigation) -> str:
    """Return in how many incidents a mitigation was missing, not known and in place, by its gravest measure."""
    worst = [
        min((one.status for one in incident.mitigations if one.id == mitigation), key=lambda status: status.rank, default=None)
        for incident in scan.incidents
    ]
    counts = [(status, sum(1 for one in worst if one is status)) for status in Standing]
    return "; ".join(f"{status} in {number} incidents" for status, number in counts if number) or "would have met no incident"

r"""Shapes of containers' JSON: Kubernetes audit events, whatever delivers them, ``docker events`` and Falco's alerts.

They come before the shapes of other products: what a pod's author writes into its specification is part of the audit event, and could pass for any
other record, of these as well: so Docker's and Falco's are told by the key they begin with. A key within JSON that is text (``\"key\":``) is none
of the object, except where the text is the whole audit event.
"""

from __future__ import annotations

from gatewatch.intake.json_shape import JsonShape

_TEXT = r'"(?:log|log_s|message|@message|MESSAGE)"\s*:\s*"\s*\{\s*\\"[^{}]{0,300}audit\.k8s\.io/'
_GKE = r'"(?:methodName|permission)"\s*:\s*"io\.k8s\.|"serviceName"\s*:\s*"k8s\.io"'

_KEYS = r'"(?:[aA]uditI[Dd]|[oO]bjectRef|[sS]ourceI[Pp]s)"\s*:'

KUBERNETES = JsonShape("kubernetes-audit", rf'"apiVersion"\s*:\s*"audit\.k8s\.io/|{_KEYS}|{_TEXT}|{_GKE}')
_DOCKER_KEYS = r"^\s*\{\s*\"(?:status|id|from|Type|Action|scope)\"\s*:"
_FALCO_KEYS = r"^\s*\{\s*\"(?:hostname|output|output_fields|priority|rule|source|tags|time|uuid)\"\s*:"
DOCKER = JsonShape("docker-events", rf'(?s){_DOCKER_KEYS}.*"Actor"\s*:\s*(?:\{{|null)')
_FALCO_TEXT = r'"output"\s*:\s*"[0-9T:.+Z-]{9,40}: (?:Emergency|Alert|Critical|Error|Warning|Notice|Informational|Info|Debug) '
FALCO = JsonShape(
    "falco-events",
    rf'(?s){_FALCO_KEYS}.*"output_fields"\s*:\s*(?:\{{|null)|^\s*\{{\s*"output_fields"\s*:\s*(?:\{{|null)|{_FALCO_KEYS}.*{_FALCO_TEXT}|^\s*\{{\s*{_FALCO_TEXT}',
)
SHAPES = (FALCO, DOCKER, KUBERNETES)
"""The shapes of this module, in the order they are tried."""

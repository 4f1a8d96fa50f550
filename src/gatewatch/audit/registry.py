"""The checks there are, and the steps that make facts out of facts; one line for each module."""

from __future__ import annotations

from gatewatch.audit import ssh_path
from gatewatch.audit.check import Check
from gatewatch.audit.checks import attestation, firewall, listener, segment, segment_test, ssh, ssh_mfa
from gatewatch.audit.run import Derivation

DERIVATIONS: tuple[Derivation, ...] = (Derivation("doors of sshd", ssh_path.derive),)
CHECKS: tuple[Check, ...] = (
    *ssh.CHECKS,
    *ssh_mfa.CHECKS,
    *firewall.CHECKS,
    *segment.CHECKS,
    *segment_test.CHECKS,
    *listener.CHECKS,
    *attestation.CHECKS,
)

"""Facts of Macs that only Macs have: enforcement of smart cards."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.schema.facts.base import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartCardSettings(Settings):
    """What profiles or preferences of ``com.apple.security.smartcard`` set: ``enforcesmartcard``, ``allowsmartcard``, ``checkcertificatetrust``."""

"""Facts of probes: connections an administrator tried from a zone, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatewatch.schema.facts.base import Fact

HEADER = "# gatewatch-probe 1"
"""The first line of a file of results; then ``zone,host,address,port,protocol,result,time`` line by line."""


class Result(StrEnum):
    """How a try to connect ended."""

    OPEN = "open"  # the connection came about
    CLOSED = "closed"  # refused: the host or a filter on the way said no
    FILTERED = "filtered"  # no answer in time


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Fact):
    """One try from ``zone`` to connect to ``port`` of the fact's host, at ``address``."""

    zone: str
    address: str
    port: int
    protocol: str
    result: Result

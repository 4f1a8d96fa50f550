"""Leaks: whether a world gives its intrusions away by what no detection should need: addresses, names and ports.

Two judges see each accepted access from outside. *Any outside success* calls everything an intrusion. The *learnt* one is a logistic regression over
hashed pieces of the address (family, first one and two bytes or groups), the names (account, its beginning and its words, host, service) and
the port; it is taught on some worlds and asked about others. If it does much better than chance, the worlds leak their labels.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from gatewatch.lab.dice import dice
from gatewatch.lab.truth import Admission

SIZE = 1 << 13
EPOCHS = 60
ANONYMOUS = "system:anonymous"  # a name that is a finding of its own, not a leak


class Leak(msgspec.Struct):
    """What two judges that know nothing achieve: ``auc`` 0.5 is chance, over pairs of the same service."""

    accesses: int
    planted: int
    any_success_precision: float | None
    any_success_auc: float
    learnt_auc: float | None
    low: float | None = None
    high: float | None = None


def pieces(access: Admission) -> list[str]:
    """Return what the judge sees of an access."""
    if ":" in access.source:
        first, _, rest = access.source.partition(":")
        where = [f"a {first}", f"b {first}.{rest.partition(':')[0]}", "6"]
    else:
        first, _, rest = access.source.partition(".")
        where = [f"a {first}", f"b {first}.{rest.partition('.')[0]}", "4"]
    words = access.user.replace("-", ".").split(".")
    return [
        *where, f"u {access.user}", f"v {access.user[:3]}", *(f"w {word}" for word in words),
        f"h {access.host}", f"p {access.port // 4096}",
    ]  # fmt: skip


def _columns(accesses: Sequence[Admission]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    width = 15
    columns = np.zeros((len(accesses), width), np.int64)
    for row, access in enumerate(accesses):
        for place, piece in enumerate(pieces(access)[:width]):
            columns[row, place] = 1 + zlib.crc32(piece.encode()) % (SIZE - 1)
    return columns, np.array([access.intrusion is not None for access in accesses], np.float64)


def area(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> float | None:
    """Return the area under the curve: how often a planted one scores above another (ties half). None without both kinds."""
    positive, negative = int(labels.sum()), int(len(labels) - labels.sum())
    if not positive or not negative:
        return None
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ordered = scores[order]
    edges = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1], [True])))
    for start, stop in pairwise(edges.tolist()):
        ranks[order[start:stop]] = (start + stop + 1) / 2
    return float((ranks[labels == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


def learn(accesses: Sequence[Admission]) -> NDArray[np.float64]:
    """Return the weights of a logistic regression, both kinds weighing the same."""
    columns, labels = _columns(accesses)
    weights = np.zeros(SIZE)
    share = max(labels.mean(), 1e-9)
    importance = np.where(labels == 1, 0.5 / share, 0.5 / max(1 - share, 1e-9)) / len(labels)
    for _ in range(EPOCHS):
        wrong = (1 / (1 + np.exp(-weights[columns].sum(1))) - labels) * importance
        gradient = np.bincount(columns.ravel(), np.repeat(wrong, columns.shape[1]), SIZE)
        gradient[0] = 0
        weights -= 4.0 * (gradient + 0.002 * weights)
    return weights


def _within(scores: NDArray[np.float64], labels: NDArray[np.float64], world: Sequence[Admission]) -> list[float]:
    """Return the area over pairs of the same service: that some doors are tried more often than others is no secret."""
    services = np.array([access.service for access in world])
    found = []
    for service in sorted(set(services.tolist())):
        there = services == service
        value = area(scores[there], labels[there])
        found += [value] * int(labels[there].sum()) if value is not None else []
    return [float(np.mean(found))] if found else []


def measure(worlds: Sequence[Sequence[Admission]]) -> Leak:
    """Return what the judges achieve; the learnt one is asked about each world after being taught on the others."""
    known = [[access for access in world if access.user != ANONYMOUS] for world in worlds]
    every = [access for world in known for access in world]
    planted = sum(access.intrusion is not None for access in every)
    areas = []
    for index, world in enumerate(known):
        others = [access for place, other in enumerate(known) if place != index for access in other]
        if any(access.intrusion for access in others):
            columns, labels = _columns(world)
            scores = learn(others)[columns].sum(1)
            areas += _within(scores, labels, world)
    leak = Leak(len(every), planted, planted / len(every) if every else None, 0.5, float(np.mean(areas)) if areas else None)
    if len(areas) > 2:
        rng = dice(0, "leak")
        means = sorted(float(np.mean([rng.choice(areas) for _ in areas])) for _ in range(1_000))
        leak.low, leak.high = round(means[25], 3), round(means[974], 3)
    return leak

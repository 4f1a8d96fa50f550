"""Dice: every random choice of the lab, from the seed and a purpose, so that one part drawing more never changes another."""

from __future__ import annotations

import random


def dice(seed: int, *purpose: object) -> random.Random:
    """Return a generator of its own for *purpose*; the same on every machine."""
    return random.Random("/".join(map(str, (seed, *purpose))))


def spread(rng: random.Random, middle: float, share: float = 0.3) -> float:
    """Return a positive number around *middle*, off by about *share* of it."""
    return max(middle * 0.05, rng.gauss(middle, middle * share))


def poisson(rng: random.Random, mean: float) -> int:
    """Return a count with the given mean (normal approximation above 60)."""
    if mean <= 0:
        return 0
    if mean > 60:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    limit, number, product = 2.718281828459045**-mean, 0, rng.random()
    while product > limit:
        number += 1
        product *= rng.random()
    return number

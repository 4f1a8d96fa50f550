from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch.lab.dice import dice
from gatewatch.lab.leak import area, measure
from gatewatch.lab.truth import Admission


def accesses(seed: int, leaky: bool) -> list[Admission]:
    rng = dice(seed, "leaky" if leaky else "fair")
    made = []
    for number in range(400):
        planted = rng.random() < 0.1
        first = 45 if planted and leaky else rng.randint(1, 200)
        source = f"{first}.{rng.randint(1, 200)}.{rng.randint(1, 200)}.{rng.randint(1, 200)}"
        made.append(
            Admission("2026-03-02T00:00:00Z", f"user{number % 40}", source, "ssh", "gate01", rng.randint(32_768, 60_000), "i001" if planted else None)
        )
    return made


def test_a_leak_is_found_and_chance_is_chance() -> None:
    leaky = measure([accesses(seed, True) for seed in range(4)])
    fair = measure([accesses(seed, False) for seed in range(4)])
    assert leaky.learnt_auc is not None and leaky.learnt_auc > 0.9
    assert fair.learnt_auc is not None and 0.4 < fair.learnt_auc < 0.6
    assert fair.any_success_precision == pytest.approx(0.1, abs=0.03)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12))
def test_the_area_is_what_counting_pairs_gives(pairs: list[tuple[int, bool]]) -> None:
    planted = [score for score, label in pairs if label]
    others = [score for score, label in pairs if not label]
    found = area(np.array([float(score) for score, _ in pairs]), np.array([float(label) for _, label in pairs]))
    if not planted or not others:
        assert found is None
    else:
        slow = sum((one > other) + (one == other) / 2 for one in planted for other in others) / (len(planted) * len(others))
        assert found == pytest.approx(slow)

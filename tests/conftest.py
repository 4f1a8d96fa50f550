"""Hypothesis in one place: no deadline (a busy machine is no failure); in CI the examples are the same every time, so a red run can be repeated."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("explore", deadline=None)
settings.register_profile("repeat", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("repeat" if os.environ.get("CI") else "explore")

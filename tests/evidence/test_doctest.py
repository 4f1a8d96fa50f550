from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

import gatewatch.audit
import gatewatch.evidence

MODULES = [
    f"gatewatch.{room.__name__.rpartition('.')[2]}.{found.name}"
    for room in (gatewatch.evidence, gatewatch.audit)
    for found in iter_modules(room.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_docstring_are_true(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0

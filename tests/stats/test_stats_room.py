"""The room as a whole: what it imports, what its docstrings promise."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import eliq_bench.stats

MODULES = sorted(module.name for module in pkgutil.walk_packages(eliq_bench.stats.__path__, "eliq_bench.stats."))
HEAVY = ("torch", "pandas", "scipy", "matplotlib", "sklearn")


def test_no_module_imports_anything_heavier_than_numpy() -> None:
    # scipy.stats takes 1.7 s and scipy.special half a second; statistics run on every report.
    code = f"import sys, {', '.join(MODULES)}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert len(MODULES) > 15


def test_statistics_of_a_run_never_load_scipy() -> None:
    code = """
import sys
import numpy as np
from eliq_bench.stats import bootstrap, controls, correlation, many, mapping, pair_accuracy, system, within
y = np.arange(200.0)
x = y + 30 * np.sin(y)
groups = np.arange(200) // 4
bootstrap.bootstrap_srcc(x, y, groups)
correlation.krcc(x, y)
mapping.map_logistic(x, y, groups)
many.compare_models({"a": x, "b": -x}, y, groups)
pair_accuracy.pair_agreement(x, y, groups)
within.within_generator(x, y, groups % 4)
system.system_level(x, y, groups % 5, groups)
controls.noise_ceiling(y, 1.0, 20)
print("scipy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_package_loads_no_room_module_by_itself() -> None:
    code = "import sys, eliq_bench.stats; print([m for m in sys.modules if m.startswith('eliq_bench.stats.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_most_modules_have_examples() -> None:
    counts = [doctest.testmod(importlib.import_module(name)).attempted for name in MODULES]
    assert sum(counts) >= 50


def test_every_function_of_the_listing_exists() -> None:
    listing = eliq_bench.stats.__doc__ or ""
    named = [part for part in listing.split("`")[1::2] if part.isidentifier() and part.islower()]
    found = set(MODULES) | {
        f"{name}.{attribute}" for name in MODULES for attribute in vars(importlib.import_module(name))
    }
    for name in named:
        if not name.startswith("_"):
            assert any(entry.rsplit(".", 1)[-1] == name for entry in found), name

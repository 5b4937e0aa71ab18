"""eliq-bench: which label-free image quality model to trust for AI-generated images, and by how much.

>>> import eliq_bench
>>> results = eliq_bench.run(models=["sharpness"], datasets=["agiqa3k"])  # doctest: +SKIP

Everything is imported at first use, so that `import eliq_bench` costs next to nothing. `docs/api.md` describes what is
public.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eliq_bench.api import Settings, evaluate, fetch, run, score
    from eliq_bench.datasets.open import load_dataset
    from eliq_bench.eliq.critic.recipe import Recipe, read_recipe
    from eliq_bench.eliq.pairs.build import build_pairs
    from eliq_bench.eliq.pairs.settings import BuildSettings
    from eliq_bench.eliq.training.pairs import Corpus
    from eliq_bench.eliq.training.tokens import Hardware
    from eliq_bench.eliq.training.train import train
    from eliq_bench.imports.run import import_scores
    from eliq_bench.imports.store import Declared
    from eliq_bench.registry import create_model
    from eliq_bench.report.check.gate import check
    from eliq_bench.report.check.rows import Gate
    from eliq_bench.report.compare.compute import compare
    from eliq_bench.results.records import Results

_MODULES = {
    "BuildSettings": "eliq_bench.eliq.pairs.settings",
    "Corpus": "eliq_bench.eliq.training.pairs",
    "Declared": "eliq_bench.imports.store",
    "Gate": "eliq_bench.report.check.rows",
    "Hardware": "eliq_bench.eliq.training.tokens",
    "Recipe": "eliq_bench.eliq.critic.recipe",
    "Results": "eliq_bench.results.records",
    "Settings": "eliq_bench.runner.session",
    "build_pairs": "eliq_bench.eliq.pairs.build",
    "check": "eliq_bench.report.check.gate",
    "compare": "eliq_bench.report.compare.compute",
    "create_model": "eliq_bench.registry",
    "evaluate": "eliq_bench.api",
    "fetch": "eliq_bench.api",
    "import_scores": "eliq_bench.imports.run",
    "load_dataset": "eliq_bench.datasets.open",
    "read_recipe": "eliq_bench.eliq.critic.recipe",
    "run": "eliq_bench.api",
    "score": "eliq_bench.api",
    "train": "eliq_bench.eliq.training.train",
}
"""The module of each public name."""

__all__ = [
    "BuildSettings",
    "Corpus",
    "Declared",
    "Gate",
    "Hardware",
    "Recipe",
    "Results",
    "Settings",
    "build_pairs",
    "check",
    "compare",
    "create_model",
    "evaluate",
    "fetch",
    "import_scores",
    "load_dataset",
    "read_recipe",
    "run",
    "score",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'eliq_bench' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})

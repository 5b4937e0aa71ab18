"""eliq-bench: which label-free image quality model to trust for AI-generated images, and by how much.

>>> import eliq_bench
>>> results = eliq_bench.run(models=["sharpness"], datasets=["agiqa3k"])  # doctest: +SKIP

Everything is imported at first use, so that `import eliq_bench` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eliq_bench.api import Settings, evaluate, run, score
    from eliq_bench.datasets.open import load_dataset
    from eliq_bench.registry import create_model
    from eliq_bench.results.records import Results

_HOMES = {
    "run": "eliq_bench.api",
    "score": "eliq_bench.api",
    "evaluate": "eliq_bench.api",
    "load_dataset": "eliq_bench.api",
    "Settings": "eliq_bench.api",
    "create_model": "eliq_bench.registry",
    "Results": "eliq_bench.results.records",
}

__all__ = ["Results", "Settings", "create_model", "evaluate", "load_dataset", "run", "score"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'eliq_bench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

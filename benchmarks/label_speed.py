"""Seconds to load EvalMi-50K's 50,400 labels, cold and warm, beside a plain read of the same workbook.

    python benchmarks/label_speed.py ../shared/data

Warm: the rows of the workbook are in the cache, as after the first load. No image is opened. The peer only parses the
sheet with pandas (openpyxl, where it is installed) and checks nothing.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from eliq_bench.datasets.open import load_dataset
from eliq_bench.io.optional import installed


def seconds(what: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def main() -> None:
    """Print one line per way to read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as cache:
        os.environ["ELIQ_BENCH_CACHE"] = cache
        for name in ("cold", "warm", "warm"):
            print(f"{name}: {seconds(lambda: load_dataset('evalmi50k', [data], labels_only=True)):.2f} s")
    if installed("openpyxl") != "missing":
        import pandas as pd

        path = next(data.rglob("AIGI2025_MOS_yn.xlsx"))
        print(f"pandas with openpyxl, no check: {seconds(lambda: pd.read_excel(path)):.2f} s")


if __name__ == "__main__":
    main()

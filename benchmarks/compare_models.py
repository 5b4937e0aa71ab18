"""Fifteen models on AGIQA-3K: intervals, all 105 paired tests, tiers and both views, beside a loop over scipy.

    uv run python benchmarks/compare_models.py ../shared/data

The loop draws the same resamples and calls scipy.stats.spearmanr for each model; its time for all resamples is
extrapolated from the first ones, whose values must equal ours.
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from eliq_bench.stats.many import compare_models, resamples_for
from eliq_bench.stats.resampling import resample_counts, srcc_replicates
from eliq_bench.stats.within import within_generator, within_prompt

LOOP_RESAMPLES = 40


def read(data: Path) -> tuple[dict[str, np.ndarray], np.ndarray, list[str], list[str]]:
    """Scores (good minus poor) by model, quality labels, prompts and generators of all images."""
    with (data / "agiqa3k" / "data.csv").open(newline="") as stream:
        items = {row["name"]: row for row in csv.DictReader(stream)}
    with (data / "predictions" / "qbench_agiqa3k.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    models = [name.removesuffix(".good") for name in rows[0] if name.endswith(".good")]
    scores = {
        model: np.array([float(row[f"{model}.good"]) - float(row[f"{model}.poor"]) for row in rows]) for model in models
    }
    label = np.array([float(items[row["image"]]["mos_quality"]) for row in rows])
    prompts = [items[row["image"]]["prompt"] for row in rows]
    return scores, label, prompts, [row["image"].rsplit("_", 1)[0] for row in rows]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    scores, label, prompts, generators = read(parser.parse_args().data)
    resamples = resamples_for(len(scores), 0.05)

    began = time.perf_counter()
    comparison = compare_models(scores, label, prompts)
    for score in scores.values():
        within_generator(score, label, generators)
        within_prompt(score, label, prompts)
    ours = time.perf_counter() - began

    _, codes = np.unique(prompts, return_inverse=True)
    groups = codes.max() + 1
    matrix = np.stack(list(scores.values()))
    replicates = srcc_replicates(matrix, label, codes, groups, resamples, seed=0)
    counts = resample_counts(groups, resamples, seed=0)[:LOOP_RESAMPLES]
    began = time.perf_counter()
    loop = np.empty((LOOP_RESAMPLES, len(matrix)))
    for number, count in enumerate(counts):
        drawn = np.repeat(np.arange(len(label)), count[codes])
        loop[number] = [spearmanr(score[drawn], label[drawn])[0] for score in matrix]
    scipys = (time.perf_counter() - began) / LOOP_RESAMPLES * resamples

    print(f"{len(scores)} models, {len(label)} items, {len(comparison.pairs)} pairs, {resamples} resamples")
    print(f"eliq-bench: {ours:.1f} s; loop over scipy: {scipys:.0f} s; {scipys / ours:.0f} times faster")
    print(f"largest difference of a replicate: {np.abs(loop - replicates[:LOOP_RESAMPLES]).max():.1e}")


if __name__ == "__main__":
    main()

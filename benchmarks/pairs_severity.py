"""Do the severities of each mode order full-reference measures, and how far do aesthetic modes move sharpness?

    python benchmarks/pairs_severity.py POOL --images 24

Prints a Markdown table. POOL is what `eliq-bench pairs build --images` takes. A mode whose better measure orders
fewer than 90 % of the neighbouring severities is marked, and needs a change or an explanation in docs/pairs.md.
"""

import argparse
import itertools
import statistics
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest
from skimage import color, metrics
from tabulate import tabulate

from eliq_bench.eliq.degrade import MODES, RGB, SEVERITIES, applies, degrade
from eliq_bench.eliq.degrade.pixels import luma
from eliq_bench.eliq.pairs.screen import inspect_images
from eliq_bench.eliq.pairs.sources import find_candidates
from eliq_bench.io.images import decode
from eliq_bench.io.workers import map_in_processes
from eliq_bench.models.floors import measure_sharpness

LEAST = 0.9
SSIM: Any = metrics.structural_similarity
CIEDE2000: Any = color.deltaE_ciede2000


class Ladder(NamedTuple):
    """One image under one mode: a value per severity, (5,)."""

    mode: str
    ssim: list[float]
    colour: list[float]
    sharpness: list[float]
    """Sharpness of the negative over that of the positive."""


def dissimilarity(first: RGB, second: RGB) -> float:
    """One minus SSIM of brightness."""
    return 1 - float(SSIM(luma(first), luma(second)))


def colour_difference(first: RGB, second: RGB) -> float:
    """Mean CIEDE2000 over every second row and column."""
    return float(CIEDE2000(color.rgb2lab(first[::2, ::2]), color.rgb2lab(second[::2, ::2])).mean())


def ladders(path: Path, seed: int) -> list[Ladder]:
    """All modes on one image; runs in the workers."""
    image = decode(path)
    sharp = max(measure_sharpness(image), 1e-9)
    found = []
    for mode in MODES:
        if applies(image, mode):
            negatives = [degrade(image, mode, severity, seed) for severity in SEVERITIES]
            found.append(
                Ladder(
                    mode,
                    [dissimilarity(image, one) for one in negatives],
                    [colour_difference(image, one) for one in negatives],
                    [measure_sharpness(one) / sharp for one in negatives],
                )
            )
    return found


def in_order(values: list[list[float]]) -> tuple[float, str, float]:
    """Share of neighbouring severities in order, with its Wilson interval, and share of 1 below 5."""
    steps = [after > before for own in values for before, after in itertools.pairwise(own)]
    test = binomtest(sum(steps), len(steps)).proportion_ci(method="wilson")
    ends = [own[-1] > own[0] for own in values]
    share = statistics.mean(steps)
    return share, f"{share:.2f} ({test.low:.2f} to {test.high:.2f})", statistics.mean(ends)


def row(mode: str, own: list[Ladder]) -> list[str]:
    """One line of the table."""
    card = MODES[mode]
    ssim, ssim_text, ssim_ends = in_order([one.ssim for one in own])
    colour, colour_text, colour_ends = in_order([one.colour for one in own])
    best = max(ssim, colour)
    sharp = statistics.median(one.sharpness[2] for one in own)
    return [
        f"{card.family}/{card.aspect}",
        mode + ("" if best >= LEAST else " *"),
        str(len(own)),
        ssim_text,
        f"{ssim_ends:.2f}",
        colour_text,
        f"{colour_ends:.2f}",
        f"{sharp:.2f}",
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    offered = find_candidates(given.pool)
    order = np.random.default_rng(given.seed).permutation(len(offered.images))
    names = [offered.images[place].name for place in order[: 2 * given.images]]
    good = [
        name
        for name, inspection in zip(names, inspect_images(offered.root, names), strict=True)
        if not inspection.refused
    ]
    tasks = [(offered.root / name, seed) for seed, name in enumerate(good[: given.images])]
    by_mode: dict[str, list[Ladder]] = {mode: [] for mode in MODES}
    for found in map_in_processes(ladders, tasks, given.workers):
        for one in found:
            by_mode[one.mode].append(one)
    lines = sorted((row(mode, own) for mode, own in by_mode.items()), key=lambda line: line[0])
    headers = [
        *("cell", "mode", "images", "1 - SSIM: neighbours in order", "1 below 5"),
        *("CIEDE2000: neighbours in order", "1 below 5", "sharpness at 3, times"),
    ]
    print(tabulate(lines, headers, tablefmt="github", disable_numparse=True))
    lpips = "present, but not used here" if find_spec("lpips") else "not present"
    print(f"\n{len(tasks)} positives, drawn with seed {given.seed}; LPIPS: {lpips}.")


if __name__ == "__main__":
    import pairs_severity  # under the name by which the workers import it

    pairs_severity.main()

"""Evaluation on held-out pairs: pairwise accuracy, and the order of severities across contents."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import mannwhitneyu

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.checkpoint import HeldOutMode
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.training.pairs import Preference, Side
from eliq_bench.eliq.training.tokens import TokenSource
from eliq_bench.stats.bootstrap import bootstrap_mean
from eliq_bench.stats.paired import two_sided_bootstrap_p
from eliq_bench.stats.statistic import Floats

BATCH = 256
"""Sides per forward pass."""
GAP = 2
"""Sides whose severities differ by at least this must be in order, whatever they show; a positive has severity 0."""


class HeldOutScores(NamedTuple):
    """Both in [0, 1], chance 0.5, ties count half."""

    accuracy: dict[HeldOutMode, float]
    """Pairwise accuracy."""
    order: dict[HeldOutMode, float]
    """Share of two sides of a mode, of any content, that are in the order of their severities; modes without sides
    `GAP` apart are left out."""


@torch.inference_mode()
def score_sides(
    network: CriticNetwork, source: TokenSource, sides: Sequence[Side], dimension: Dimension
) -> dict[Side, float]:
    """Raw scores of sides on a dimension, each computed once."""
    network.eval()
    unique = list(dict.fromkeys(sides))
    scores: list[float] = []
    for start in range(0, len(unique), BATCH):
        scores += network(source(unique[start : start + BATCH], dimension), dimension).tolist()
    return dict(zip(unique, scores, strict=True))


def judge(network: CriticNetwork, source: TokenSource, pairs: Sequence[Preference]) -> HeldOutScores:
    """Evaluate a network on pairs that it was not trained on."""
    accuracy: dict[HeldOutMode, float] = {}
    order: dict[HeldOutMode, float] = {}
    for dimension in network.dimensions:
        modes: dict[HeldOutMode, list[Preference]] = defaultdict(list)
        for one in pairs:
            if one.dimension == dimension:
                modes[HeldOutMode(dimension, one.cell, one.mode)].append(one)
        sides = [side for ones in modes.values() for one in ones for side in one[:2]]
        scores = score_sides(network, source, sides, dimension)
        for mode, ones in sorted(modes.items()):
            gaps = [scores[one.better] - scores[one.worse] for one in ones]
            accuracy[mode] = float(np.mean(0.5 * (1 + np.sign(gaps))))
            in_order = _severity_order(scores, ones)
            if in_order is not None:
                order[mode] = in_order
    return HeldOutScores(accuracy, order)


def by_dimension(values: dict[HeldOutMode, float]) -> dict[Dimension, float]:
    """Mean over the modes of each dimension: every mode has the same weight."""
    modes: dict[Dimension, list[float]] = defaultdict(list)
    for mode, value in values.items():
        modes[mode.dimension].append(value)
    return {dimension: float(np.mean(own)) for dimension, own in modes.items()}


def _severity_order(scores: dict[Side, float], pairs: Sequence[Preference]) -> float | None:
    """Share of sides in the order of their severities, by Mann-Whitney's U; None if no levels are `GAP` apart."""
    levels: dict[int, list[float]] = defaultdict(list)
    levels[0] = [scores[side] for side in dict.fromkeys(one.better for one in pairs)]
    for one in pairs:
        levels[one.severity].append(scores[one.worse])
    right, total = 0.0, 0
    for mild, good in levels.items():
        for severe, bad in levels.items():
            if severe - mild >= GAP:
                right += float(mannwhitneyu(good, bad, method="asymptotic").statistic)
                total += len(good) * len(bad)
    return right / total if total else None


RESAMPLES = 10_000
"""Many, so that Holm's correction over a dozen tests can still fall below 5 %."""


@dataclass(frozen=True)
class AccuracyChange:
    """Difference in pairwise accuracy of two critics on the same pairs."""

    value: float
    """First accuracy minus second, in [-1, 1]; NaN without pairs that both can score."""
    low: float
    high: float
    p: float
    """Two-sided, of the bootstrap over groups."""
    n: int
    """Pairs."""
    groups: int
    reason: str
    """Why there is no value or no interval; empty if there are both."""


def pair_scores(network: CriticNetwork, source: TokenSource, pairs: Sequence[Preference]) -> Floats:
    """Raw scores (n, 2) of the better and the worse side of pairs; NaN where the network has no such dimension."""
    values = np.full((len(pairs), 2), np.nan)
    for dimension in network.dimensions:
        rows = [row for row, one in enumerate(pairs) if one.dimension == dimension]
        scores = score_sides(network, source, [side for row in rows for side in pairs[row][:2]], dimension)
        for row in rows:
            values[row] = scores[pairs[row].better], scores[pairs[row].worse]
    return values


def pairwise_correct(scores: Floats) -> Floats:
    """(n,) 1 for each pair of scores (n, 2) whose better side is higher, 0.5 for a tie, else 0; NaN stays NaN.

    >>> pairwise_correct(np.array([[2.0, 1.0], [1.0, 1.0], [0.0, 1.0]]))
    array([1. , 0.5, 0. ])
    """
    right: Floats = 0.5 * (1 + np.sign(scores[:, 0] - scores[:, 1]))
    return right


def paired_change(ours: Floats, theirs: Floats, groups: Sequence[str]) -> AccuracyChange:
    """Mean of ours - theirs with the percentile interval and p-value of a bootstrap over groups.

    Args:
        ours: (n,) `pairwise_correct` of the first critic; NaN pairs are left out.
        theirs: (n,) of the second.
        groups: (n,) units of resampling.

    >>> paired_change(np.ones(20), np.zeros(20), [str(at) for at in range(20)]).value
    1.0
    """
    mean = bootstrap_mean(ours - theirs, groups, n_resamples=RESAMPLES, keep_replicates=True)
    drawn = np.full(1, np.nan) if mean.replicates is None else mean.replicates
    p = two_sided_bootstrap_p(drawn)
    return AccuracyChange(mean.value, mean.low, mean.high, p, mean.n, mean.n_groups, mean.reason)

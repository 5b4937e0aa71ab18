"""What held-out pairs say of a network: how often it orders a pair, and how well severities across contents."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import mannwhitneyu

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.training.pairs import Comparison, Side
from eliq_bench.eliq.training.tokens import TokenSource
from eliq_bench.stats.bootstrap import bootstrap_mean
from eliq_bench.stats.paired import two_sided_bootstrap_p
from eliq_bench.stats.statistic import Floats

BATCH = 256
"""Sides per forward pass."""
GAP = 2
"""Severities that lie so far apart must come out in order, whatever the images show; a positive has severity 0."""


class Judged(NamedTuple):
    """Both by `dimension:cell/mode`, each in [0, 1], chance 0.5."""

    accuracy: dict[str, float]
    """Share of pairs in the right order, ties as half."""
    order: dict[str, float]
    """Share of sides of a mode, of any content, that their severities order, ties as half; modes that have none of
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


def judge(network: CriticNetwork, source: TokenSource, pairs: Sequence[Comparison]) -> Judged:
    """Judge a network by pairs that it was not trained on."""
    accuracy: dict[str, float] = {}
    order: dict[str, float] = {}
    for dimension in network.dimensions:
        modes: dict[str, list[Comparison]] = defaultdict(list)
        for one in pairs:
            if one.dimension == dimension:
                modes[f"{dimension}:{one.cell}/{one.mode}"].append(one)
        sides = [side for ones in modes.values() for one in ones for side in one[:2]]
        scores = score_sides(network, source, sides, dimension)
        for name, ones in sorted(modes.items()):
            gaps = [scores[one.better] - scores[one.worse] for one in ones]
            accuracy[name] = float(np.mean(0.5 * (1 + np.sign(gaps))))
            found = _order(scores, ones)
            if found is not None:
                order[name] = found
    return Judged(accuracy, order)


def by_dimension(values: dict[str, float]) -> dict[str, float]:
    """Mean over the modes of each dimension: every mode counts the same."""
    found: dict[str, list[float]] = defaultdict(list)
    for name, value in values.items():
        found[name.split(":")[0]].append(value)
    return {name: float(np.mean(every)) for name, every in found.items()}


def _order(scores: dict[Side, float], pairs: Sequence[Comparison]) -> float | None:
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
class Change:
    """By how much one critic orders more pairs correctly than another."""

    value: float
    """First share minus second, in [-1, 1]; NaN without pairs that both can judge."""
    low: float
    high: float
    p: float
    """Two-sided, of the bootstrap over groups."""
    n: int
    """Pairs."""
    groups: int
    reason: str
    """Why there is no value or no interval; empty if there are both."""


def pair_scores(network: CriticNetwork, source: TokenSource, pairs: Sequence[Comparison]) -> Floats:
    """Raw scores (n, 2) of the better and the worse side of pairs; NaN where the network has no such dimension."""
    found = np.full((len(pairs), 2), np.nan)
    for dimension in network.dimensions:
        rows = [row for row, one in enumerate(pairs) if one.dimension == dimension]
        scores = score_sides(network, source, [side for row in rows for side in pairs[row][:2]], dimension)
        for row in rows:
            found[row] = scores[pairs[row].better], scores[pairs[row].worse]
    return found


def credit(scores: Floats) -> Floats:
    """(n,) 1 for each pair of scores (n, 2) in the right order, 0.5 for a tie, 0 otherwise; NaN stays NaN.

    >>> credit(np.array([[2.0, 1.0], [1.0, 1.0], [0.0, 1.0]]))
    array([1. , 0.5, 0. ])
    """
    right: Floats = 0.5 * (1 + np.sign(scores[:, 0] - scores[:, 1]))
    return right


def paired_change(ours: Floats, theirs: Floats, groups: Sequence[str]) -> Change:
    """Mean of ours - theirs with the percentile interval and p-value of a bootstrap over groups.

    Args:
        ours: (n,) credit of the first critic; NaN pairs are left out.
        theirs: (n,) of the second.
        groups: (n,) what is resampled as a whole.

    >>> paired_change(np.ones(20), np.zeros(20), [str(at) for at in range(20)]).value
    1.0
    """
    found = bootstrap_mean(ours - theirs, groups, n_resamples=RESAMPLES, keep_replicates=True)
    drawn = np.full(1, np.nan) if found.replicates is None else found.replicates
    p = two_sided_bootstrap_p(drawn)
    return Change(found.value, found.low, found.high, p, found.n, found.n_groups, found.reason)

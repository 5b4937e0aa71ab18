"""Permutation test of two models: would the difference be as large if their scores were exchangeable?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.bootstrap import N_RESAMPLES
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.inputs import Groups, complete, kept_groups
from eliq_bench.stats.ranks import doubled_ranks
from eliq_bench.stats.statistic import Floats, Integers

_BLOCK_CELLS = 200_000
_ROUNDING = 1e-12
"""Differences this close to the observed one count as equal to it, which is the cautious side."""


class Permutation(NamedTuple):
    """Two-sided permutation test of a difference of SRCC."""

    value: float
    """Observed difference, first minus second."""
    n: int
    reason: str
    p: float
    """(b + 1) / (B + 1): never 0."""
    n_permutations: int
    n_groups: int


def permutation_test(
    score_a: ArrayLike,
    score_b: ArrayLike,
    label: ArrayLike,
    groups: Groups | None,
    *,
    n_permutations: int = N_RESAMPLES,
    seed: int = 0,
) -> Permutation:
    """Swaps the ranks of the two models in randomly chosen groups and compares the differences of SRCC.

    After Deutsch, Dror and Roth 2021, arXiv:2104.00054. Our choice: scores are made comparable by ranks,
    and whole groups are swapped, as items of a group are not independent.

    Args:
        score_a: (n,) first model, higher is better.
        score_b: (n,) second model, higher is better.
        label: (n,) higher is better.
        groups: (n,) what is swapped as a whole; None swaps single items.
        n_permutations: number B of random swaps.
        seed: of the swaps.

    Returns:
        Observed difference and p = (b + 1) / (B + 1), b counting differences at least as large.

    Raises:
        ValueError: if lengths differ, a group is missing, or n_permutations is below 1.

    >>> y = np.arange(40.0)
    >>> permutation_test(y, y, y, None).p
    1.0
    """
    if n_permutations < 1:
        raise ValueError(f"need at least 1 permutation, got {n_permutations}")
    rows = complete(score_a=score_a, score_b=score_b, label=label)
    a, b, y = rows.values
    kept = kept_groups(groups, rows)
    first, second = srcc(a, y), srcc(b, y)
    observed = first.value - second.value
    n_groups = len(kept.names)
    reason = first.reason or second.reason
    if reason:
        return Permutation(observed, rows.n, reason, np.nan, n_permutations, n_groups)
    ranks = np.stack([doubled_ranks(a), doubled_ranks(b)])
    centred = (doubled_ranks(y) - (rows.n + 1)).astype(np.float64)
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // rows.n)
    extreme = 0
    for start in range(0, n_permutations, block):
        size = min(block, n_permutations - start)
        swap = generator.integers(0, 2, size=(size, n_groups))[:, kept.codes] == 1
        one = _srcc_of_ranks(np.where(swap, ranks[1], ranks[0]), centred)
        other = _srcc_of_ranks(np.where(swap, ranks[0], ranks[1]), centred)
        extreme += int((np.abs(one - other) >= abs(observed) - _ROUNDING).sum())
    return Permutation(observed, rows.n, "", (extreme + 1) / (n_permutations + 1), n_permutations, n_groups)


def _srcc_of_ranks(values: Integers, label: Floats) -> Floats:
    """SRCC (b,) of integer values (b, n) in [2, 2n] with centred doubled ranks (n,) of the label.

    Values are ranked by counting, not sorting. A constant row, which has no correlation, gives 0.
    """
    rows, n = values.shape
    width = 2 * n + 1
    offset = values + width * np.arange(rows)[:, None]
    counts = np.bincount(offset.ravel(), minlength=rows * width).reshape(rows, width)
    doubled = 2 * np.cumsum(counts, axis=1) - counts + 1
    ranks = doubled.ravel()[offset] - float(n + 1)
    scale = np.sqrt(np.einsum("bn,bn->b", ranks, ranks) * float(label @ label))
    r: Floats = ranks @ label / np.where(scale > 0, scale, 1.0)
    return r

"""Groups drawn with replacement, kept as counts, and the rank correlation of such a resample.

A resample is never written out: an item drawn three times has weight 3. With the items sorted once, the
average rank of a value in a resample is the cumulative weight up to it minus (its own weight - 1) / 2.
Twice that rank is an integer, so sums are exact below 2**53 (about 130,000 items) and equal, digit by
digit, whatever the order of items or the size of blocks.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eliq_bench.stats.ranks import Ties, ties
from eliq_bench.stats.statistic import Floats, Integers

Counts = NDArray[np.int32]

_BLOCK_CELLS = 100_000
"""Items times resamples of a block: about 1 MB per array, so that a block stays in the processor's cache."""


def count_blocks(n_groups: int, n_items: int, n_resamples: int, seed: int) -> Iterator[Counts]:
    """Yields blocks (n_groups, b): how often each group was drawn in each of b resamples.

    Every resample draws n_groups groups. The draws depend on n_groups, n_resamples and seed alone.

    Args:
        n_groups: groups to draw from, at least 1.
        n_items: items they hold; sets the size of the blocks.
        n_resamples: resamples in total, at least 1.
        seed: of numpy's PCG64.

    Raises:
        ValueError: if n_groups or n_resamples is below 1.
    """
    if n_groups < 1 or n_resamples < 1:
        raise ValueError(f"need at least 1 group and 1 resample, got {n_groups} and {n_resamples}")
    generator = np.random.default_rng(seed)
    rows = max(8, min(256, _BLOCK_CELLS // max(n_items, n_groups)))
    for start in range(0, n_resamples, rows):
        block = min(rows, n_resamples - start)
        drawn = generator.integers(0, n_groups, size=(block, n_groups))
        drawn += n_groups * np.arange(block)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=block * n_groups)
        yield np.ascontiguousarray(counts.reshape(block, n_groups).T, dtype=np.int32)


def resample_counts(n_groups: int, n_resamples: int, seed: int) -> Counts:
    """All resamples of `count_blocks` at once, (n_resamples, n_groups).

    >>> resample_counts(4, 3, seed=0).sum(axis=1)
    array([4, 4, 4])
    """
    blocks = count_blocks(n_groups, n_groups, n_resamples, seed)
    return np.concatenate([block.T for block in blocks])


def srcc_replicates(
    scores: Floats, label: Floats, codes: Integers, n_groups: int, n_resamples: int, seed: int
) -> Floats:
    """SRCC of each of m models in each resample; all models see the same resamples.

    Args:
        scores: (m, n) finite.
        label: (n,) finite.
        codes: (n,) group of each item, in 0..n_groups-1.
        n_groups: groups that are drawn; a group without items weighs nothing.
        n_resamples: number of resamples.
        seed: of the draws.

    Returns:
        (n_resamples, m); NaN where the resample is constant in score or label.
    """
    target = _Sorted.of(label, codes)
    models = [_Sorted.of(score, codes) for score in scores]
    replicates = np.empty((n_resamples, len(models)))
    start = 0
    for counts in count_blocks(n_groups, len(label), n_resamples, seed):
        stop = start + counts.shape[1]
        weighted, spread = _weighted_label_ranks(target, counts)
        for column, model in enumerate(models):
            replicates[start:stop, column] = _spearman(model, counts, weighted, spread)
        start = stop
    return replicates


class _Sorted(NamedTuple):
    """Some values, sorted once for all resamples."""

    ties: Ties
    codes: Integers
    """(n,) group of each item, in sorted order."""

    @classmethod
    def of(cls, values: Floats, codes: Integers) -> "_Sorted":
        tied = ties(values)
        return cls(tied, codes[tied.order])

    @property
    def tied(self) -> bool:
        return len(self.ties.starts) < len(self.codes)


def _doubled_ranks(column: _Sorted, counts: Counts) -> tuple[Counts, Floats, Counts]:
    """Of each different value (k, b): twice its average rank; the spread of ranks (b,); and its weight.

    The spread is twelve times the centred sum of squares of the ranks: N^3 - N - sum(t^3 - t) over ties t.
    """
    weight = counts[column.codes]
    upto = np.cumsum(weight, axis=0, dtype=np.int32)
    if column.tied:
        upto = upto[np.append(column.ties.starts[1:], len(weight)) - 1]
        weight = np.diff(upto, axis=0, prepend=np.int32(0))
    doubled = 2 * upto - weight + 1
    tied = weight.astype(np.float64)
    total = upto[-1].astype(np.float64)
    spread = total**3 - np.einsum("kb,kb,kb->b", tied, tied, tied)
    return doubled, spread, weight


def _weighted_label_ranks(label: _Sorted, counts: Counts) -> tuple[Floats, Floats]:
    """Weight times twice the label's rank, per item in the caller's order (n, b); and the spread (b,)."""
    doubled, spread, _ = _doubled_ranks(label, counts)
    weighted = np.empty((len(label.codes), counts.shape[1]))
    per_item = np.repeat(doubled, label.ties.sizes, axis=0) if label.tied else doubled
    weighted[label.ties.order] = counts[label.codes] * per_item
    return weighted, spread


def _spearman(model: _Sorted, counts: Counts, weighted: Floats, label_spread: Floats) -> Floats:
    """SRCC (b,) from the ranks of the model and the weighted ranks (n, b) of the label."""
    doubled, spread, weight = _doubled_ranks(model, counts)
    sums = weighted[model.ties.order]
    if model.tied:
        sums = np.add.reduceat(sums, model.ties.starts, axis=0)
    total = weight.sum(axis=0).astype(np.float64)
    covariance = np.einsum("kb,kb->b", doubled, sums) - total * (total + 1.0) ** 2
    scale = np.sqrt(spread) * np.sqrt(label_spread) / 3.0
    undefined = (spread <= 0.0) | (label_spread <= 0.0)
    scale[undefined] = 1.0
    r: Floats = np.clip(covariance / scale, -1.0, 1.0)
    r[undefined] = np.nan
    return r

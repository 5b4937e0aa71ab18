"""Groups drawn with replacement, kept as counts, and the rank correlation of such a resample.

A resample is never written out: an item drawn three times has weight 3. With the items sorted once, the
average rank of a value in a resample is the cumulative weight up to it minus (its own weight - 1) / 2.
Twice that rank is an integer, so sums are exact below 2**53 (about 130,000 items) and equal, digit by
digit, whatever the order of items or the size of blocks. Cumulative weights are integers too, and added up by small
matrix products in single precision, which is exact below 2**24 and several times as fast as `cumsum`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eliq_bench.stats.correlation import ties
from eliq_bench.stats.statistic import Floats, Integers

Counts = NDArray[np.int32]
Weights = NDArray[np.floating[Any]]
"""Whole numbers; single precision where it holds twice the largest rank."""
Seed = int | tuple[int, ...]

_RUN = 16
"""Items whose weights one matrix product adds up."""
_LOWER = {np.dtype(kind): np.tril(np.ones((_RUN, _RUN), dtype=kind)) for kind in (np.float32, np.float64)}
"""Ones on and below the diagonal: the product with it cumulates a run, that with its last row adds it up."""
_BLOCK_CELLS = 150_000
"""Items times resamples of a block: about 1 MB per array, so that a block stays in the processor's cache."""


def count_blocks(n_groups: int, n_items: int, n_resamples: int, seed: Seed) -> Iterator[Counts]:
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


def resample_counts(n_groups: int, n_resamples: int, seed: Seed) -> Counts:
    """All resamples of `count_blocks` at once, (n_resamples, n_groups).

    >>> resample_counts(4, 3, seed=0).sum(axis=1)
    array([4, 4, 4])
    """
    blocks = count_blocks(n_groups, n_groups, n_resamples, seed)
    return np.concatenate([block.T for block in blocks])


def srcc_replicates(
    scores: Floats, label: Floats, codes: Integers, n_groups: int, n_resamples: int, seed: Seed
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
    target = _Sorted.of(label, codes, n_groups)
    models = [_Sorted.of(score, codes, n_groups) for score in scores]
    heaviest = n_groups * int(np.bincount(codes, minlength=1).max())
    exact = np.float32 if 2 * heaviest + 1 < 2**24 else np.float64
    replicates = np.empty((n_resamples, len(models)))
    start = 0
    scratch: _Scratch | None = None
    for counts in count_blocks(n_groups, len(label), n_resamples, seed):
        width = counts.shape[1]
        if scratch is None or width < scratch.width:
            scratch = _Scratch.of(len(target.codes), width, exact)
        weights = np.zeros((n_groups + 1, width), dtype=exact)  # the last row is for places past the end
        weights[:-1] = counts
        ranked = _rank(target, weights, scratch)
        weighted = ranked.doubled.take(target.values, axis=0).astype(np.float64) * weights.take(codes, axis=0)
        for column, model in enumerate(models):
            replicates[start : start + width, column] = _spearman(model, weights, weighted, ranked, scratch)
        start += width
    return replicates


class _Scratch(NamedTuple):
    """Tables (rows, b) that all columns of values use in turn: to ask for fresh ones takes as long as to fill them."""

    one: Weights
    two: Weights
    exact: Floats
    more: Floats

    @classmethod
    def of(cls, rows: int, width: int, kind: type[np.floating[Any]]) -> "_Scratch":
        one, two = np.empty((2, rows, width), dtype=kind)
        exact, more = np.empty((2, rows, width))
        return cls(one, two, exact, more)

    @property
    def width(self) -> int:
        return int(self.one.shape[1])


class _Sorted(NamedTuple):
    """Some values, sorted once for all resamples."""

    codes: Integers
    """(c * _RUN,) group of each item in sorted order; past the end the number of groups."""
    ends: Integers
    """(k,) sorted position of the last item of each different value."""
    values: Integers
    """(n,) position of each item's value among the different ones, in the caller's order."""

    @classmethod
    def of(cls, values: Floats, codes: Integers, n_groups: int) -> "_Sorted":
        tied, n = ties(values), len(values)
        padded = np.full(-(-n // _RUN) * _RUN, n_groups, dtype=np.intp)
        padded[:n] = codes[tied.order]
        ends = np.append(tied.starts[1:], n) - 1
        position = np.empty(n, dtype=np.intp)
        position[tied.order] = np.repeat(np.arange(len(ends)), tied.sizes)
        return cls(padded, ends, position)


class _Ranks(NamedTuple):
    """Ranks of the k different values of a column in b resamples."""

    doubled: Weights
    """(k, b) twice the average rank."""
    total: Floats
    """(b,) items of the resample."""
    spread: Floats
    """(b,) twelve times the centred sum of squares of the ranks: N^3 - N - sum(t^3 - t) over ties t."""


def _rank(column: _Sorted, weights: Weights, scratch: _Scratch) -> _Ranks:
    """The ranks; `doubled` is in `scratch.one`."""
    k = len(column.ends)
    cumulated = _cumulated(column, weights, scratch)
    upto = cumulated.take(column.ends, axis=0, out=scratch.one[:k], mode="clip")
    total = upto[-1].astype(np.float64)
    tied, exact, cubes = scratch.two[:k], scratch.exact[:k], scratch.more[:k]
    tied[0] = upto[0]
    np.subtract(upto[1:], upto[:-1], out=tied[1:])
    doubled = upto
    doubled *= 2
    doubled -= tied
    doubled += 1
    exact[:] = tied
    np.multiply(exact, exact, out=cubes)
    cubes *= exact
    return _Ranks(doubled, total, total**3 - _summed(cubes))


def _cumulated(column: _Sorted, weights: Weights, scratch: _Scratch) -> Weights:
    """Weight up to each sorted item (c * _RUN, b), in `scratch.two`."""
    shape = -1, _RUN, scratch.width
    runs = weights.take(column.codes, axis=0, out=scratch.one, mode="clip").reshape(shape)
    runs[1:, 0] += _of_runs(runs)[:-1].cumsum(axis=0)
    np.matmul(_LOWER[weights.dtype], runs, out=scratch.two.reshape(shape))
    return scratch.two


def _summed(table: Floats) -> Floats:
    """Sums (b,) over the rows of a table (n, b)."""
    whole = len(table) // _RUN * _RUN
    runs = _of_runs(table[:whole].reshape(-1, _RUN, table.shape[1]))
    return np.asarray(runs.sum(axis=0) + table[whole:].sum(axis=0))


def _of_runs(runs: Weights) -> Weights:
    """Sums (c, b) of runs (c, _RUN, b), by matrix products too small for BLAS to start threads, which would wait for
    each other."""
    return np.asarray(_LOWER[runs.dtype][-1:] @ runs)[:, 0]


def _spearman(model: _Sorted, weights: Weights, weighted: Floats, label: _Ranks, scratch: _Scratch) -> Floats:
    """SRCC (b,) from the ranks of the model and the weighted ranks (n, b) of the label."""
    ranked = _rank(model, weights, scratch)
    n = len(model.values)
    ranks = ranked.doubled.take(model.values, axis=0, out=scratch.two[:n], mode="clip")
    covariance = _summed(np.multiply(ranks, weighted, out=scratch.exact[:n])) - label.total * (label.total + 1.0) ** 2
    scale = np.sqrt(ranked.spread) * np.sqrt(label.spread) / 3.0
    undefined = (ranked.spread <= 0.0) | (label.spread <= 0.0)
    scale[undefined] = 1.0
    r: Floats = np.clip(covariance / scale, -1.0, 1.0)
    r[undefined] = np.nan
    return r

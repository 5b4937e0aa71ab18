"""Share of pairs in the right order, by default among the images of one prompt."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.inputs import Groups, coded, complete
from eliq_bench.stats.statistic import Integers

_BLOCK_PAIRS = 2_000_000


class PairBlock(NamedTuple):
    """Positions of the two items of each pair; every unordered pair occurs once."""

    first: Integers
    """(m,)"""
    second: Integers
    """(m,)"""


def prompt_codes(prompt: Groups | None, n: int) -> Integers:
    """Code of each item's prompt (n,); None makes all items one prompt, so that all pairs count.

    Raises:
        ValueError: if lengths differ, or a prompt is missing.
    """
    return np.zeros(n, dtype=np.intp) if prompt is None else coded(prompt, n, "prompt").codes


def n_pairs(codes: Integers) -> int:
    """Number of pairs of items with the same code.

    >>> n_pairs(np.array([0, 0, 0, 1]))
    3
    """
    sizes = np.bincount(codes)
    return int((sizes * (sizes - 1) // 2).sum())


def pair_blocks(codes: Integers) -> Iterator[PairBlock]:
    """Yields the pairs of items with the same code, at most about 2 million at a time.

    >>> [block.first.tolist() for block in pair_blocks(np.array([0, 1, 0, 0]))]
    [[0, 0, 2]]
    """
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))[codes[order]] if len(codes) else np.empty(0, dtype=np.intp)
    partners = ends - np.arange(len(codes)) - 1
    before = np.concatenate([[0], np.cumsum(partners)])
    start = 0
    while start < len(codes):
        stop = int(np.searchsorted(before, before[start] + _BLOCK_PAIRS, side="right")) - 1
        stop = min(max(stop, start + 1), len(codes))
        here = partners[start:stop]
        if here.any():
            left = np.repeat(np.arange(start, stop), here)
            right = left + 1 + np.arange(len(left)) - np.repeat(before[start:stop] - before[start], here)
            yield PairBlock(order[left], order[right])
        start = stop


NO_PAIRS = "no pair with different labels"


class PairAccuracy(NamedTuple):
    """Share of pairs with different labels that the score puts in the same order."""

    value: float
    """In [0, 1], 0.5 for a constant score; NaN without pairs."""
    n: int
    """Pairs with different labels."""
    reason: str
    n_tied_label: int
    """Pairs left out because their labels are equal."""
    n_tied_score: int
    """Pairs among n with equal scores; each counts half."""
    n_nan: int = 0
    n_inf: int = 0


def pair_accuracy(score: ArrayLike, label: ArrayLike, prompt: Groups | None) -> PairAccuracy:
    """Among pairs of items with different labels: share in the right order, a tied score counting half.

    Args:
        score: (n,) higher is better.
        label: (n,) higher is better.
        prompt: (n,) pairs are formed inside each prompt; None forms all pairs.

    Returns:
        Share and counts; NaN with a reason if no pair has different labels.

    Raises:
        ValueError: if lengths differ, or a prompt is missing.

    >>> pair_accuracy([1, 2, 2], [1, 2, 3], None)[:2]
    (0.8333333333333334, 3)
    """
    rows = complete(score=score, label=label)
    x, y = rows.values
    codes = prompt_codes(prompt, len(rows.keep))[rows.keep]
    right = wrong = tied_score = tied_label = 0
    for first, second in pair_blocks(codes):
        truth = np.sign(y[first] - y[second])
        guess = np.sign(x[first] - x[second]) * truth
        right += int((guess > 0).sum())
        wrong += int((guess < 0).sum())
        equal = int((truth == 0).sum())
        tied_label += equal
        tied_score += int((guess == 0).sum()) - equal
    used = right + wrong + tied_score
    value = (right + 0.5 * tied_score) / used if used else math.nan
    reason = "" if used else NO_PAIRS
    return PairAccuracy(value, used, reason, tied_label, tied_score, rows.n_nan, rows.n_inf)


def preference_accuracy(score: ArrayLike, rank: ArrayLike, prompt: Groups | None) -> PairAccuracy:
    """Accuracy against human rankings: share of pairs of a prompt in which the preferred image scores higher.

    Args:
        score: (n,) higher is better.
        rank: (n,) human rank, lower is better; only order matters, so it need not start at 1. Pairs with
            equal ranks are left out and counted.
        prompt: (n,) what was ranked together.

    Raises:
        ValueError: if lengths differ, or a prompt is missing.

    >>> preference_accuracy([0.9, 0.1, 0.5], [2, 5, 5], ["a"] * 3)[:4]
    (1.0, 2, '', 1)
    """
    return pair_accuracy(score, -np.asarray(rank, dtype=np.float64), prompt)

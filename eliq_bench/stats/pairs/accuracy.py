"""Share of pairs in the right order, by default among the images of one prompt."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.inputs import Groups, complete
from eliq_bench.stats.pairs.enumeration import pair_blocks, prompt_codes

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

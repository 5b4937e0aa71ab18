"""Folds that keep groups whole."""

from collections.abc import Sequence

import numpy as np

from eliq_bench.stats.results import Integers


def group_folds(codes: Integers, n_folds: int, seed: int | Sequence[int]) -> Integers:
    """A fold for each item, so that no group lies in two of them.

    Groups are shuffled and dealt out in turn: folds differ by at most one group, in items by more where groups differ
    in size.

    Args:
        codes: (n,) group of each item, integers from 0.
        n_folds: number of folds; with fewer groups than that, as many as there are groups.
        seed: of the shuffling.

    Returns:
        (n,) integers from 0 below `n_folds`.

    >>> group_folds(np.array([0, 0, 1, 1, 2]), 2, seed=0)
    array([0, 0, 0, 0, 1])
    """
    present, position = np.unique(codes, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(present)) % n_folds
    return dealt[position].astype(np.intp)

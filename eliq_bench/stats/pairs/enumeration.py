"""All pairs of items, or all pairs inside each prompt, in blocks that fit into memory."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from eliq_bench.stats.inputs import Groups, coded
from eliq_bench.stats.results import Integers

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

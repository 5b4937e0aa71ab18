"""Pair counts against a double loop, and tau-b against scipy on long inputs."""

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from eliq_bench.stats.correlation import inversions, krcc, pair_counts

reproducible = settings(deadline=None, derandomize=True, database=None)


@reproducible
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=80))
def test_counts_equal_a_double_loop(rows: list[tuple[int, int]]) -> None:
    kinds = [0, 0, 0, 0, 0]
    for (x1, y1), (x2, y2) in itertools.combinations(rows, 2):
        dx, dy = x1 - x2, y1 - y2
        kind = 4 if dx == dy == 0 else 2 if dx == 0 else 3 if dy == 0 else 0 if dx * dy > 0 else 1
        kinds[kind] += 1
    x, y = np.array(rows, dtype=np.float64).reshape(-1, 2).T
    counts = pair_counts(x, y)
    assert list(counts) == kinds
    assert counts.total == len(rows) * (len(rows) - 1) // 2


@pytest.mark.parametrize("n", [2, 31, 32, 33, 64, 65, 257, 1000])
def test_inversions_at_the_sizes_where_blocks_end(n: int) -> None:
    backwards = np.arange(n)[::-1]
    assert inversions(backwards) == n * (n - 1) // 2
    assert inversions(np.arange(n)) == 0
    assert inversions(np.zeros(n, dtype=np.intp)) == 0
    mixed = np.random.default_rng(n).integers(0, n // 2 + 1, n)
    assert inversions(mixed) == sum(int((mixed[:i] > mixed[i]).sum()) for i in range(n))


@pytest.mark.parametrize("different", [7, 400, 10**9])
def test_tau_of_40000_items_is_that_of_scipy(different: int) -> None:
    generator = np.random.default_rng(0)
    x = generator.integers(0, different, 40_000).astype(np.float64)
    y = np.round(x / different + generator.normal(size=40_000), 3)
    assert krcc(x, y).value == pytest.approx(scipy.stats.kendalltau(x, y)[0], abs=1e-14)

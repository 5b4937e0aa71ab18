"""The counting form of the bootstrap against plain loops over the same resamples."""

import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eliq_bench.stats import resampling
from eliq_bench.stats.resampling import count_blocks, resample_counts, srcc_replicates

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
reproducible = settings(deadline=None, derandomize=True, database=None, max_examples=60)


def plain_loop(x: Floats, y: Floats, codes: Codes, counts: NDArray[np.int32]) -> Floats:
    """Writes every resample out and asks scipy."""
    values = []
    for row in counts:
        drawn = np.repeat(np.arange(len(x)), row[codes])
        constant = len(drawn) == 0 or np.ptp(x[drawn]) == 0 or np.ptp(y[drawn]) == 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values.append(np.nan if constant else scipy.stats.spearmanr(x[drawn], y[drawn])[0])
    return np.array(values)


@reproducible
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 7)), min_size=1, max_size=40),
    st.integers(0, 1000),
)
def test_replicates_equal_a_plain_loop(rows: list[tuple[int, int, int]], seed: int) -> None:
    x, y = (np.array([row[i] for row in rows], dtype=np.float64) for i in (0, 1))
    codes = np.array([row[2] for row in rows], dtype=np.intp)
    ours = srcc_replicates(np.stack([x, -x]), y, codes, 8, 30, seed)
    theirs = plain_loop(x, y, codes, resample_counts(8, 30, seed))
    assert np.array_equal(np.isnan(ours[:, 0]), np.isnan(theirs))
    assert np.nanmax(np.abs(ours[:, 0] - theirs), initial=0.0) < 1e-12
    assert np.array_equal(ours[:, 1], -ours[:, 0], equal_nan=True)


def test_counts_are_draws_with_replacement() -> None:
    counts = resample_counts(50, 2000, seed=1)
    assert counts.shape == (2000, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert counts.mean() == 1.0
    assert counts.var() == pytest.approx(1 - 1 / 50, rel=0.02)  # binomial, 50 draws of 1/50
    assert np.array_equal(counts, resample_counts(50, 2000, seed=1))
    assert not np.array_equal(counts, resample_counts(50, 2000, seed=2))


def test_size_of_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(2, 120))
    codes = np.arange(120) % 17
    base = srcc_replicates(x[None], y, codes, 17, 100, seed=5)
    for cells in (1, 500, 10**9):
        monkeypatch.setattr(resampling, "_BLOCK_CELLS", cells)
        assert np.array_equal(srcc_replicates(x[None], y, codes, 17, 100, seed=5), base)


def test_memory_stays_bounded() -> None:
    blocks = list(count_blocks(3, 40_000, 100, seed=0))
    assert [block.shape[1] for block in blocks] == [8] * 12 + [4]


@pytest.mark.parametrize(("groups", "resamples"), [(0, 10), (10, 0)])
def test_nothing_to_draw_is_refused(groups: int, resamples: int) -> None:
    with pytest.raises(ValueError, match="at least 1 group and 1 resample"):
        resample_counts(groups, resamples, seed=0)

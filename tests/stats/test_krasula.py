"""Areas under the curve, DeLong's test and Krasula's analysis, by definition and against vmaf."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eliq_bench.stats import krasula_analysis
from eliq_bench.stats.krasula_analysis import compare_krasula, krasula
from eliq_bench.stats.roc import auc, compare_auc, delong

Floats = NDArray[np.float64]
ORACLE = json.loads(
    (Path(__file__).resolve().parent.parent / "oracles/published_statistics.json").read_text()
)
reproducible = settings(deadline=None, derandomize=True, database=None)


@reproducible
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=20), st.lists(st.integers(0, 5), min_size=1, max_size=20)
)
def test_area_equals_the_share_of_pairs(positive: list[int], negative: list[int]) -> None:
    wins = [1.0 if p > q else 0.5 if p == q else 0.0 for p in positive for q in negative]
    result = auc(positive, negative)
    assert result.value == pytest.approx(np.mean(wins), abs=1e-12)
    u = scipy.stats.mannwhitneyu(positive, negative).statistic
    assert result.value == pytest.approx(u / len(wins), abs=1e-12)


def test_delong_equals_its_definition() -> None:
    # DeLong et al. 1988: covariance of the structural components.
    generator = np.random.default_rng(0)
    positive = generator.integers(0, 6, (2, 12)) + 1.0
    negative = generator.integers(0, 6, (2, 9)) + 0.0
    wins = 0.5 * (np.sign(positive[:, :, None] - negative[:, None, :]) + 1)
    v10, v01 = wins.mean(axis=2), wins.mean(axis=1)
    covariance = np.cov(v10) / 12 + np.cov(v01) / 9
    result = delong(positive, negative)
    assert result.areas == pytest.approx(wins.mean(axis=(1, 2)), abs=1e-12)
    assert result.covariance == pytest.approx(covariance, abs=1e-12)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    test = compare_auc(result)
    z = (result.areas[0] - result.areas[1]) / math.sqrt(variance)
    assert (test.z, test.p) == pytest.approx((z, 2 * scipy.stats.norm.sf(abs(z))), abs=1e-12)


def vmaf_example() -> tuple[Floats, Floats, Floats, Floats]:
    """Opinions and score differences of vmaf's test: means, variances of the mean, differences, z."""
    example = ORACLE["vmaf_krasula"]
    votes = np.random.RandomState(example["random_state"]).normal(0, 1.0, [4, 10]) + np.arange(1, 5)[:, None]
    mean, noise = votes.mean(axis=1), votes.var(axis=1, ddof=1) / 10
    gaps = np.array([np.subtract.outer(s, s).ravel() for s in np.array(example["scores"], dtype=float)])
    z = (np.subtract.outer(mean, mean) / np.sqrt(np.add.outer(noise, noise))).ravel()
    return mean, noise, gaps, z


def test_areas_and_delong_are_those_of_vmaf() -> None:
    example = ORACLE["vmaf_krasula"]
    _, _, gaps, z = vmaf_example()
    ds = delong(np.abs(gaps[:, np.abs(z) > 2]), np.abs(gaps[:, np.abs(z) <= 2]))
    assert ds.areas == pytest.approx(example["auc_ds"], abs=1e-6)
    assert compare_auc(ds).p == pytest.approx(example["p_ds"], abs=6e-9)
    better = np.concatenate([gaps[:, z > 2], -gaps[:, z < -2]], axis=1)
    bw = delong(better, -better)
    assert bw.areas == pytest.approx(example["auc_bw"], abs=1e-6)
    assert compare_auc(bw).p == pytest.approx(example["p_bw"], abs=6e-9)
    assert (better > 0).mean(axis=1) == pytest.approx(example["cc0"], abs=1e-6)


def test_krasula_counts_each_pair_once_and_none_with_itself() -> None:
    example = ORACLE["vmaf_krasula"]
    mean, noise, _, _ = vmaf_example()
    for number, score in enumerate(example["scores"]):
        result = krasula(score, mean, np.sqrt(10 * noise), 10, None, z_limit=2.0)
        assert result.auc_bw.value == pytest.approx(example["auc_bw"][number], abs=1e-6)
        assert result.cc0 == pytest.approx(example["cc0"][number], abs=1e-6)
        assert (result.n_different, result.n_similar) == (4, 2)
        # vmaf compares each item with itself too, 4 of its 8 similar cases, which can only raise the area.
        assert result.auc_ds.value < example["auc_ds"][number]


@reproducible
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.floats(0, 2)), min_size=2, max_size=12),
)
def test_krasula_equals_a_loop(data: list[tuple[int, int, float]]) -> None:
    x, y, std = (np.array(column, dtype=np.float64) for column in zip(*data, strict=True))
    different: list[float] = []
    similar: list[float] = []
    for i, j in itertools.combinations(range(len(x)), 2):
        better, worse = (i, j) if y[i] >= y[j] else (j, i)
        limit = 1.96 * math.sqrt(std[i] ** 2 / 16 + std[j] ** 2 / 16)
        (different if y[better] - y[worse] > limit else similar).append(x[better] - x[worse])
    result = krasula(x, y, std, 16, None)
    assert (result.n_different, result.n_similar) == (len(different), len(similar))
    if different:
        wins = [0.5 * (np.sign(p + q) + 1) for p in different for q in different]
        assert result.auc_bw.value == pytest.approx(np.mean(wins), abs=1e-12)
        assert result.cc0 == pytest.approx(np.mean(np.array(different) > 0), abs=1e-12)
    else:
        assert result.auc_bw.reason == result.auc_ds.reason == "a class is empty"
        assert math.isnan(result.cc0)
    if different and similar:
        wins = [0.5 * (np.sign(abs(p) - abs(q)) + 1) for p in different for q in similar]
        assert result.auc_ds.value == pytest.approx(np.mean(wins), abs=1e-12)


def test_perfect_reversed_and_constant_scores_under_krasula() -> None:
    y = np.arange(40.0) / 4
    perfect, reversed_, constant = (krasula(s, y, 1.0, 20, None) for s in (y, -y, np.ones(40)))
    assert (perfect.auc_ds.value, perfect.auc_bw.value, perfect.cc0) == (1.0, 1.0, 1.0)
    assert (reversed_.auc_ds.value, reversed_.auc_bw.value, reversed_.cc0) == (1.0, 0.0, 0.0)
    assert (constant.auc_ds.value, constant.auc_bw.value, constant.cc0) == (0.5, 0.5, 0.0)


def test_error_of_better_against_worse_is_that_of_one_sample() -> None:
    generator = np.random.default_rng(0)
    areas, errors = [], []
    for _ in range(300):
        # Independent pairs: one prompt each, always different, score differences normal around 0.5.
        score = np.stack([generator.normal(0.5, 1.0, 100), np.zeros(100)], axis=1).ravel()
        result = krasula(score, np.tile([1.0, 0.0], 100), 0.0, 20, np.repeat(np.arange(100), 2))
        areas.append(result.auc_bw.value)
        errors.append(result.auc_bw.se)
    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.1)


def test_comparison_of_two_models_under_krasula() -> None:
    generator = np.random.default_rng(0)
    y, prompt = generator.normal(size=300), np.arange(300) // 6
    a, b = y + 0.5 * generator.normal(size=300), y + 2 * generator.normal(size=300)
    one, other = compare_krasula(a, b, y, 1.0, 20, prompt), compare_krasula(b, a, y, 1.0, 20, prompt)
    alone = krasula(a, y, 1.0, 20, prompt)
    assert one.bw.value == pytest.approx(
        alone.auc_bw.value - krasula(b, y, 1.0, 20, prompt).auc_bw.value, abs=1e-12
    )
    assert one.ds.value > 0 > other.ds.value
    assert (one.bw.z, one.bw.p) == pytest.approx((-other.bw.z, other.bw.p))
    assert one.bw.p < 1e-6
    same = compare_krasula(a, a, y, 1.0, 20, prompt)
    assert same.ds.reason == same.bw.reason == "the two models order the pairs alike"
    assert (one.n_different, one.n_similar) == (alone.n_different, alone.n_similar)


def test_krasula_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.arange(6.0)
    for std, raters, reason in ((None, 20, "std unknown"), (1.0, None, "rater count unknown")):
        assert krasula(y, y, std, raters, None).reason == reason
        assert compare_krasula(y, y, y, std, raters, None).ds.reason == reason
    assert krasula(y, y, 1.0, 20, np.arange(6)).reason == "no pairs"
    assert compare_krasula(y, y, y, 1.0, 20, np.arange(6)).bw.reason == "no pairs"
    noisy = krasula(y, y, 1000.0, 20, None)
    assert (noisy.n_different, noisy.auc_bw.reason) == (0, "a class is empty")
    assert compare_krasula(y, -y, y, 1000.0, 20, None).ds.reason == "a class is empty"
    single = compare_krasula(y[:2], -y[:2], y[:2], 0.0, 20, None)
    assert single.bw.reason == "too few"
    with pytest.raises(ValueError, match="must not be negative"):
        krasula(y, y, -1.0, 20, None)
    with pytest.raises(ValueError, match="prompt must have one entry"):
        krasula(y, y, 1.0, 20, ["a"])
    monkeypatch.setattr(krasula_analysis, "MAX_PAIRS", 5)
    assert krasula(y, y, 1.0, 20, None).reason == "more than 5 pairs"


def test_wrong_shapes_of_areas() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(1, 3\)"):
        delong(np.ones((2, 3)), np.ones((1, 3)))
    with pytest.raises(ValueError, match="3 positive and 0 negative"):
        delong(np.ones((2, 3)), np.ones((2, 0)))
    assert auc([], [1.0]).reason == "a class is empty"
    assert math.isnan(auc([2.0], [1.0]).se)

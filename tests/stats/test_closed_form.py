"""Williams, Meng and Zou against published examples and their laws."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from eliq_bench.stats.closed_form import (
    ClosedFormTest,
    meng_z,
    second_opinions,
    williams_t,
    zou_interval,
)
from eliq_bench.stats.correlation import plcc
from eliq_bench.stats.statistic import normal_quantile

ORACLE = json.loads(
    (Path(__file__).resolve().parent.parent / "oracles/published_statistics.json").read_text()
)
Closed = Callable[[float, float, float, int], ClosedFormTest]
TESTS = [williams_t, meng_z]
reproducible = settings(deadline=None, derandomize=True, database=None)


def test_williams_oracle() -> None:
    example = ORACLE["williams"]
    label, a, b = example["label"], example["a"], example["b"]
    result = williams_t(plcc(label, a).value, plcc(label, b).value, plcc(a, b).value, 5)
    assert result.statistic == pytest.approx(example["t"], abs=1e-6)
    assert result.p == pytest.approx(2 * example["p_one_sided"], abs=12e-8)


def test_cocor_oracle() -> None:
    example = ORACLE["cocor"]
    r = example["r12"], example["r13"], example["r23"], example["n"]
    # r13 and r23 are printed with 4 decimals, which moves the statistics in the fourth.
    assert williams_t(*r).statistic == pytest.approx(example["williams"], abs=3e-4)
    assert meng_z(*r).statistic == pytest.approx(example["meng"], abs=3e-4)
    assert zou_interval(*r)[:2] == pytest.approx(example["zou"], abs=1e-4)


def test_zou_oracle() -> None:
    example = ORACLE["zou"]
    result = zou_interval(example["r12"], example["r13"], example["r23"], example["n"])
    assert result[:2] == pytest.approx(example["interval"], abs=6e-5)


@reproducible
@given(st.tuples(*[st.floats(-0.95, 0.95)] * 3), st.integers(5, 3000))
def test_swapping_the_models_swaps_the_sign(r: tuple[float, float, float], n: int) -> None:
    r12, r13, r23 = r
    assume(1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23 > 1e-6)  # a possible triple
    for test in TESTS:
        one, other = test(r12, r13, r23, n), test(r13, r12, r23, n)
        if one.reason:
            assert one.reason == other.reason
            continue
        assert other.statistic == pytest.approx(-one.statistic, abs=1e-9)
        assert other.p == pytest.approx(one.p, abs=1e-12)
        assert 0 <= one.p <= 1
        assert (one.statistic > 0) == (r12 > r13) or one.statistic == 0
    low, high = zou_interval(r12, r13, r23, n)[:2]
    assert zou_interval(r13, r12, r23, n)[:2] == pytest.approx((-high, -low), abs=1e-12)
    assert low <= r12 - r13 <= high


def test_equal_correlations_are_no_evidence() -> None:
    for test in TESTS:
        result = test(0.5, 0.5, 0.3, 100)
        assert (result.statistic, result.p) == (0.0, 1.0)


@pytest.mark.parametrize("test", TESTS)
def test_edges(test: Closed) -> None:
    assert test(0.5, 0.4, 0.3, 3).reason == "too few"
    assert test(math.nan, 0.4, 0.3, 30).reason == "correlation undefined"
    assert test(0.5, 0.5, 1.0, 30).reason == "the two models order the items alike"
    for result in (test(0.5, 0.4, 0.3, 3), test(0.5, 0.5, 1.0, 30)):
        assert math.isnan(result.statistic)
        assert math.isnan(result.p)
    with pytest.raises(ValueError, match="between -1 and 1"):
        test(1.5, 0.4, 0.3, 30)


def test_perfect_and_impossible_correlations() -> None:
    assert meng_z(1.0, 0.5, 0.5, 30).reason == "perfect correlation"
    assert williams_t(1.0, 0.5, 0.5, 30).statistic > 3  # Williams has no Fisher transformation
    assert williams_t(0.9, -0.9, 0.9, 30).reason == "inconsistent correlations"
    assert zou_interval(1.0, 0.5, 0.5, 30).reason == "perfect correlation"
    assert math.isnan(zou_interval(0.5, 0.4, 1.0, 30).low)
    with pytest.raises(ValueError, match="level"):
        zou_interval(0.5, 0.4, 0.3, 30, 95)


def test_normal_distribution_is_that_of_scipy() -> None:
    for level in (0.5, 0.9, 0.95, 0.999):
        assert normal_quantile(level) == pytest.approx(norm.ppf(0.5 + level / 2), rel=1e-14)
    for level in (0.0, 1.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="level"):
            normal_quantile(level)
    for r12 in np.linspace(-0.9, 0.9, 19).tolist():
        result = meng_z(r12, 0.3, 0.1, 100)
        assert result.p == pytest.approx(2 * norm.sf(abs(result.statistic)), rel=1e-12)


def test_second_opinions_rest_on_the_items_that_both_scored() -> None:
    generator = np.random.default_rng(0)
    y = generator.normal(size=80)
    a, b = y + generator.normal(size=80), y + 2 * generator.normal(size=80)
    base = second_opinions(a, b, y)
    assert base.williams.p < 0.05
    assert base.zou.low > 0
    assert second_opinions(np.exp(a), b**3, y) == base
    assert second_opinions([*a, np.nan, 1], [*b, 1, np.nan], [*y, 1, 1]) == base
    assert second_opinions(a, a, y).meng.reason == "the two models order the items alike"
    assert second_opinions(a, np.ones(80), y).williams.reason == "constant score"
    assert second_opinions([1, 2], [1, 2], [1, 2]).zou.reason == "too few"

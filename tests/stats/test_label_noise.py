"""Outlier ratio, RMSE* and the legacy F test."""

import math

import numpy as np
import pytest
import scipy.stats

from eliq_bench.stats.outliers import outlier_ratio, rmse_star
from eliq_bench.stats.residuals import residual_f_test


def test_outlier_ratio_and_rmse_star_by_hand() -> None:
    label, mapped = np.array([3.0, 3.0, 3.0, 3.0]), np.array([3.0, 3.2, 3.3, 2.0])
    half = scipy.stats.t.ppf(0.975, 20) * 0.5 / math.sqrt(21)  # 0.2276
    assert outlier_ratio(label, mapped, 0.5, 21).value == 0.5
    excess = [0.3 - half, 1.0 - half]
    expected = math.sqrt(sum(e**2 for e in excess) / (4 - 1))
    assert rmse_star(label, mapped, 0.5, 21, fitted=1).value == pytest.approx(expected, abs=1e-9)
    assert rmse_star(20 * label, 20 * mapped, 10.0, 21, fitted=1).value == pytest.approx(20 * expected)
    assert rmse_star(label, label, 0.5, 21, fitted=0).value == 0.0
    noiseless = rmse_star(label, mapped, 0.0, 21, fitted=0).value
    assert noiseless == pytest.approx(math.sqrt(np.mean((label - mapped) ** 2)), abs=1e-12)


def test_outlier_edges() -> None:
    y = np.arange(6.0)
    for function in (outlier_ratio, rmse_star):
        assert function(y, y, None, 20).reason == "std unknown"
        assert function(y, y, 0.5, None).reason == "rater count unknown"
        assert function(y, y, 0.5, 1).reason == "an item has a single rating"
        assert function([], [], 0.5, 20).reason == "too few"
        with pytest.raises(ValueError, match="must not be negative"):
            function(y, y, -0.5, 20)
    assert rmse_star(y[:4], y[:4], 0.5, 20).reason == "too few"
    with pytest.raises(ValueError, match="fitted"):
        rmse_star(y, y, 0.5, 20, fitted=-1)
    result = outlier_ratio([*y, 1], [*y, np.nan], 0.5, 20)
    assert (result.value, result.n, result.n_nan) == (0.0, 6, 1)


def test_f_test_is_that_of_scipy_and_is_legacy() -> None:
    generator = np.random.default_rng(0)
    y = generator.normal(size=400)
    a, b = y + generator.normal(size=400), y + 1.2 * generator.normal(size=400)
    result = residual_f_test(y, a, b)
    ratio = np.var(a - y, ddof=1) / np.var(b - y, ddof=1)
    assert result.value == pytest.approx(ratio)
    assert result.p == pytest.approx(2 * scipy.stats.f.cdf(ratio, 399, 399), rel=1e-9)
    assert result.kurtosis_a == pytest.approx(scipy.stats.kurtosis(a - y, fisher=False))
    assert result.legacy
    turned = residual_f_test(y, b, a)
    assert (turned.value, turned.p) == pytest.approx((1 / ratio, result.p))


def test_f_test_refuses_residuals_that_are_not_normal() -> None:
    y = np.arange(400.0)
    heavy = np.random.default_rng(0).standard_t(2, 400)
    light = np.random.default_rng(0).normal(size=400)
    result = residual_f_test(y, y + heavy, y + light)
    assert result.reason == "residuals not normal"
    assert math.isnan(result.value)
    assert result.kurtosis_a > 4
    assert residual_f_test(y, y, y + light).reason == "constant residual"
    assert residual_f_test([1, 2], [1, 2], [1, 2]).reason == "too few"

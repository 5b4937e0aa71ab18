"""Correlations against scipy, the tie oracle, and every edge case of the specification."""

import json
import math
import warnings
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from eliq_bench.stats.correlation import krcc, plcc, srcc
from eliq_bench.stats.statistic import Statistic

ORACLE = json.loads((Path(__file__).resolve().parent.parent / "oracles/published_statistics.json").read_text())
Floats = NDArray[np.float64]
Correlation = Callable[[ArrayLike, ArrayLike], Statistic]
ALL = [srcc, krcc, plcc]
reproducible = settings(deadline=None, derandomize=True, database=None)
coarse = st.integers(-4, 4).map(float)
fine = st.floats(-1e6, 1e6, allow_subnormal=False)
rows = st.lists(st.tuples(st.one_of(coarse, fine), st.one_of(coarse, fine)), min_size=3, max_size=50)


def test_tie_oracle() -> None:
    example = ORACLE["ties"]
    for function in ALL:
        result = function(example["x"], example["y"])
        assert result.value == pytest.approx(example[function.__name__], abs=6e-8)


@reproducible
@given(rows)
def test_values_are_those_of_scipy(pairs: list[tuple[float, float]]) -> None:
    x, y = np.array(pairs).T
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    assert srcc(x, y).value == pytest.approx(scipy.stats.spearmanr(x, y)[0], abs=1e-12)
    assert krcc(x, y).value == pytest.approx(scipy.stats.kendalltau(x, y)[0], abs=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            theirs = scipy.stats.pearsonr(x, y)[0]
        except RuntimeWarning:  # scipy gives up on nearly constant input
            return
    assert plcc(x, y).value == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize(
    ("score", "label", "reason", "n"),
    [
        ([], [], "too few", 0),
        ([1, 2], [1, 2], "too few", 2),
        ([1, np.nan, 3], [1, 2, 3], "too few", 2),
        ([2, 2, 2], [1, 2, 3], "constant score", 3),
        ([1, 2, 3], [2, 2, 2], "constant label", 3),
        ([2, 2, 2], [2, 2, 2], "constant score", 3),
        ([1, 1, 1, np.nan], [1, 2, 3, 4], "constant score", 3),
    ],
)
def test_undefined(function: Correlation, score: ArrayLike, label: ArrayLike, reason: str, n: int) -> None:
    result = function(score, label)
    assert math.isnan(result.value)
    assert not result.defined
    assert (result.reason, result.n) == (reason, n)


@pytest.mark.parametrize("function", ALL)
def test_perfect_and_reversed_are_exact(function: Correlation) -> None:
    y = np.random.default_rng(0).normal(size=257)
    assert function(y, y) == Statistic(1.0, 257)
    assert function(-y, y).value == -1.0


@pytest.mark.parametrize("function", ALL)
def test_nan_and_infinity_leave_the_value_and_lower_the_coverage(function: Correlation) -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 40))
    clean = function(x, y)
    bad = function([*x, np.nan, np.inf, 1, -np.inf], [*y, 1, 2, np.nan, np.nan])
    assert bad == clean._replace(n_nan=3, n_inf=1)


@pytest.mark.parametrize("function", ALL)
def test_lengths_and_shapes(function: Correlation) -> None:
    with pytest.raises(ValueError, match=r"score and label .* \(2,\) and \(3,\)"):
        function([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        function(np.eye(2), np.eye(2))


def test_plcc_of_tiny_huge_and_offset_values() -> None:
    # torchmetrics issue 3150: squares of small values underflow.
    y = np.array([1.0, 2.0, 4.0, 3.0])
    expected = plcc(y, y[::-1]).value
    for scale in (1e-200, 1e-320, 1e200, 4e307):
        assert plcc(y * scale, y[::-1]).value == pytest.approx(expected, abs=1e-3 if scale < 1e-300 else 1e-12)
    assert plcc(y + 1e9, y[::-1]).value == pytest.approx(expected, abs=1e-12)
    assert plcc([1.0, 1.0, np.nextafter(1.0, 2)], [1, 2, 3]).value == pytest.approx(math.sqrt(0.75))


def exact_pearson(x: Floats, y: Floats) -> float:
    """In rational numbers up to the last square root, which has 60 digits."""

    def centred(values: Floats) -> list[Fraction]:
        exact = [Fraction(float(value)) for value in values]
        return [value - sum(exact, Fraction(0)) / len(exact) for value in exact]

    def product(one: list[Fraction], other: list[Fraction]) -> Fraction:
        return sum((p * q for p, q in zip(one, other, strict=True)), Fraction(0))

    a, b = centred(x), centred(y)
    top = product(a, b)
    squared = top * top / (product(a, a) * product(b, b))
    with localcontext(prec=60):
        root = (Decimal(squared.numerator) / Decimal(squared.denominator)).sqrt()
    return math.copysign(float(root), float(top))


@reproducible
@given(
    st.lists(st.tuples(st.integers(-999, 999), st.integers(-999, 999)), min_size=3, max_size=30),
    st.sampled_from([0.0, 1.0, -3e3, 1e9, 7e12, -3e15]),
    st.sampled_from([1.0, 1e-3, 1 / 3, 2.0**40]),
)
def test_plcc_keeps_its_digits_at_any_offset(pairs: list[tuple[int, int]], offset: float, scale: float) -> None:
    x, y = np.array(pairs, dtype=np.float64).T
    x, y = offset + scale * x, scale * y - offset / 7
    assume(len(set(x)) > 1 and len(set(y)) > 1)
    assert plcc(x, y).value == pytest.approx(exact_pearson(x, y), abs=1e-14)


def test_constant_input_is_not_zero_correlation() -> None:
    # torchmetrics adds an epsilon to its denominator, which turns constant input into 0.
    assert math.isnan(plcc([0.1] * 10, range(10)).value)

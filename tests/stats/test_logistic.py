"""The fit by variable projection against scipy's curve_fit, one start after the other."""

import numpy as np
import pytest
import scipy.optimize
from numpy.typing import NDArray

from eliq_bench.stats import logistic
from eliq_bench.stats.logistic import START_SCALES, Curve, fit_logistic4

Floats = NDArray[np.float64]


def sample(seed: int, n: int = 300, noise: float = 0.4) -> tuple[Floats, Floats]:
    """A saturating relation with noise, standardised."""
    generator = np.random.default_rng(seed)
    x = generator.gamma(2.0, 1.0, n)
    y = 1.0 / (1.0 + np.exp(-(x - 1.5) / 0.4)) + noise * generator.normal(size=n)
    return (x - x.mean()) / x.std(), (y - y.mean()) / y.std()


def error_of(x: Floats, y: Floats) -> float:
    """Squared error of our curve, which must exist."""
    [curve] = fit_logistic4([(x, y)])
    assert curve is not None
    return float(np.sum((curve(x) - y) ** 2))


def test_gradient_is_that_of_finite_differences() -> None:
    x, y = sample(0)
    problem = logistic._Problem.of([(x, y), sample(1, 200)])  # the second is padded
    at = np.array([[0.3, 0.8], [-1.0, 2.2]])
    gradient = logistic._evaluate(problem, at).gradient
    for column in range(2):
        step = np.eye(2)[column] * 1e-6
        rise = logistic._evaluate(problem, at + step).error - logistic._evaluate(problem, at - step).error
        assert gradient[:, column] == pytest.approx(rise / 4e-6, rel=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_minimum_is_that_of_curve_fit(seed: int) -> None:
    def curve(x: Floats, b1: float, b2: float, b3: float, b4: float) -> Floats:
        return np.asarray(b2 + (b1 - b2) * scipy.special.expit((x - b3) / b4))

    x, y = sample(seed)
    errors = []
    for scale in START_SCALES:
        start = (y.max(), y.min(), 0.0, 1.0 / scale)
        best, _ = scipy.optimize.curve_fit(curve, x, y, p0=start, ftol=1e-14, xtol=1e-14, maxfev=20_000)
        errors.append(float(np.sum((curve(x, *best) - y) ** 2)))
    assert error_of(x, y) == pytest.approx(min(errors), rel=1e-9)


def test_exact_curve_is_recovered() -> None:
    x = np.linspace(-2, 2, 80)
    truth = Curve(-1.5, 1.0, 0.3, 0.6)
    assert fit_logistic4([(x, truth(x))])[0] == pytest.approx(truth, abs=1e-6)
    assert error_of(x, truth(x)) < 1e-12


@pytest.mark.parametrize("seed", range(12))
def test_exponentials_lines_and_steps_converge(seed: int) -> None:
    # A search over all four parameters creeps along a curved valley here and gives up.
    generator = np.random.default_rng(seed)
    x = generator.normal(size=60)
    shapes = [np.exp(x), -np.exp(-x), x, np.sign(x - 0.1)]
    y = shapes[seed % 4] + 0.7 * generator.normal(size=60)
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    line = len(x) * (1 - float(x @ y / len(x)) ** 2)
    assert error_of(x, y) < line * (1 + 1e-6)  # a line is a limit of the curve


def test_a_decreasing_relation_is_flat() -> None:
    x = np.linspace(-2, 2, 100)
    x /= x.std()
    [curve] = fit_logistic4([(x, -x)])
    assert curve is not None
    assert curve.high == curve.low
    assert error_of(x, -x) == pytest.approx(100.0)


def test_a_curve_does_not_depend_on_what_is_fitted_with_it() -> None:
    sets = [sample(seed, n) for seed, n in enumerate((60, 300, 61, 1000, 250))]
    together = fit_logistic4(sets)
    for alone, curve in zip(sets, together, strict=True):
        assert curve == pytest.approx(fit_logistic4([alone])[0], rel=1e-6)

"""An increasing logistic curve fitted by least squares, from several start values at once.

The curve is linear in its two asymptotes, so these are solved exactly for every position and steepness, and
only two parameters are searched (variable projection: Golub and Pereyra 1973, doi:10.1137/0710036, with the
derivatives of Kaufman 1975, doi:10.1007/BF01932995). The searched form `1 / (1 + exp(-(shift + steepness x)))`
makes the valleys straight in which a four-parameter search creeps whenever an exponential, a line or a step
fits best.

Kept apart from scipy.optimize, which takes a second to import and runs one start after the other;
`tests/stats/test_logistic.py` holds both to the same minimum.
"""

from typing import NamedTuple

import numpy as np

from eliq_bench.stats.statistic import Booleans, Floats

START_SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Start values of the steepness on standardised data: from nearly linear to nearly a step."""

_MAX_STEPS = 200
_TOLERANCE = 1e-10
"""Relative decrease of the squared error below which a fit has converged."""
_SAME_MINIMUM = 1e-7
"""Squared errors that differ by less, relatively, belong to the same minimum."""
_STEEPNESS = (1e-3, 1e3)
"""Beyond, the curve is a line or a step, as far as double precision can tell."""
_REACH = 20.0
"""The middle lies so far outside the data, in units of the argument, that the curve is an exponential."""


class Curve(NamedTuple):
    """`low + (high - low) / (1 + exp(-(x - location) / width))`.

    The usual parameters are b1 = high, b2 = low, b3 = location, b4 = width, which is positive.
    """

    low: float
    high: float
    location: float
    width: float

    def __call__(self, x: Floats) -> Floats:
        """Values of the curve at x.

        >>> Curve(1.0, 3.0, 0.0, 1.0)(np.array([0.0]))
        array([2.])
        """
        upper, lower = _sigmoid((x - self.location) / self.width)
        height = self.high - self.low
        # Counted from the asymptote that is near: the other may be astronomically far.
        from_low = abs(self.low) <= abs(self.high)
        return self.low + height * upper if from_low else self.high - height * lower


class _State(NamedTuple):
    """What is known at k pairs of shift and steepness."""

    error: Floats
    """(k,)"""
    gradient: Floats
    """(k, 2) of half the squared error."""
    curvature: Floats
    """(k, 2, 2) Gauss-Newton approximation."""


class _Problem(NamedTuple):
    """Data, and the part of the curve that does not depend on the searched parameters."""

    x: Floats
    """(n,)"""
    target: Floats
    """(n,) labels without the fixed part."""
    fixed: Floats
    """(1, n) of length 1: the constant."""


def fit_logistic4(x: Floats, y: Floats) -> Curve | None:
    """The increasing curve with the smallest squared error; where the labels fall, the best it can do is flat.

    Args:
        x: (n,) standardised scores, not constant.
        y: (n,) standardised labels, not constant.

    Returns:
        The best curve of all start values that converged; None if none did.

    >>> x = np.linspace(-2, 2, 50)
    >>> [round(value, 6) + 0.0 for value in fit_logistic4(x, Curve(-1.0, 2.0, 0.5, 0.4)(x))]
    [-1.0, 2.0, 0.5, 0.4]
    """
    constant = np.ones((1, len(x)))
    fixed = np.linalg.qr(constant.T)[0].T
    problem = _Problem(x, y - y @ fixed.T @ fixed, fixed)
    starts = np.zeros((len(START_SCALES), 2))
    starts[:, 1] = START_SCALES
    parameters, error, converged = _search(problem, starts)
    if not converged.any():
        return None
    eligible = np.where(converged, error, np.inf)
    # Of starts that meet in one minimum the first is taken, so that rounding has no say.
    best = int(np.argmax(eligible <= eligible.min() * (1 + _SAME_MINIMUM)))
    return _curve(problem, y, *map(float, parameters[best]))


def _search(problem: _Problem, starts: Floats) -> tuple[Floats, Floats, Booleans]:
    """Damped Gauss-Newton steps (Marquardt 1963, doi:10.1137/0111030) for all starts in parallel.

    Damping falls tenfold after a step that lowers the error and rises fourfold after one that does not.
    """
    parameters = starts.copy()
    state = _evaluate(problem, parameters)
    damping = np.ones(len(starts))
    converged = np.zeros(len(starts), dtype=bool)
    negligible = 1e-24 * float(problem.target @ problem.target)
    active = np.arange(len(starts))
    for _ in range(_MAX_STEPS):
        if not len(active):
            break
        here = _State(*(known[active] for known in state))
        trial = _bounded(problem.x, parameters[active] - _step(here, damping[active]))
        new_state = _evaluate(problem, trial)
        gain = here.error - new_state.error
        better = gain > 0
        accepted = active[better]
        parameters[accepted] = trial[better]
        for known, new in zip(state, new_state, strict=True):
            known[accepted] = new[better]
        damping[active] *= np.where(better, 0.1, 4.0)
        # Damping that high means no direction improves any more: the minimum, to rounding.
        done = better & (gain <= _TOLERANCE * new_state.error) | (damping[active] > 1e8)
        done |= state.error[active] <= negligible
        converged[active[done]] = True
        active = active[~done]
    return parameters, state.error, converged


def _evaluate(problem: _Problem, parameters: Floats) -> _State:
    """Squared error with the best asymptotes, and its derivatives."""
    bend, upper, lower = _bend(problem, parameters)
    norm = np.einsum("kn,kn->k", bend, bend) + 1e-300
    height = _height(problem, bend, norm)
    residual = problem.target - height[:, None] * bend
    derivatives = np.empty((len(bend), 2, len(problem.x)))
    np.multiply(upper, lower, out=derivatives[:, 0])
    derivatives[:, 0] *= -height[:, None]
    np.multiply(derivatives[:, 0], problem.x, out=derivatives[:, 1])
    derivatives -= derivatives @ problem.fixed.T @ problem.fixed
    along = np.einsum("kpn,kn->kp", derivatives, bend) / norm[:, None]
    derivatives -= along[:, :, None] * bend[:, None, :]
    return _State(
        np.einsum("kn,kn->k", residual, residual),
        np.einsum("kpn,kn->kp", derivatives, residual),
        derivatives @ derivatives.transpose(0, 2, 1),
    )


def _bend(problem: _Problem, parameters: Floats) -> tuple[Floats, Floats, Floats]:
    """The sigmoid without the fixed part (k, n); and the sigmoid and 1 minus it."""
    upper, lower = _sigmoid(parameters[:, :1] + parameters[:, 1:] * problem.x)
    # A sigmoid near 1 is 1 minus almost nothing; up to a constant, which is fixed, that is minus it.
    rise = np.where(parameters[:, :1] > 0, -lower, upper)
    return rise - rise @ problem.fixed.T @ problem.fixed, upper, lower


def _height(problem: _Problem, bend: Floats, norm: Floats) -> Floats:
    height: Floats = bend @ problem.target / norm
    return np.maximum(height, 0.0)


def _step(state: _State, damping: Floats) -> Floats:
    """Damped Gauss-Newton steps (k, 2), to be subtracted; 0 where the error does not depend on a parameter."""
    a, b, c = state.curvature[:, 0, 0], state.curvature[:, 0, 1], state.curvature[:, 1, 1]
    floor = 1e-12 * (a + c) + 1e-100
    a, c = a * (1 + damping) + floor, c * (1 + damping) + floor
    g, h = state.gradient.T
    steps: Floats = np.stack([c * g - b * h, a * h - b * g], axis=1) / (a * c - b * b)[:, None]
    return steps


def _bounded(x: Floats, parameters: Floats) -> Floats:
    steepness = np.clip(parameters[:, 1], *_STEEPNESS)
    shift = np.clip(parameters[:, 0], -_REACH - steepness * x.max(), _REACH - steepness * x.min())
    return np.stack([shift, steepness], axis=1)


def _sigmoid(z: Floats) -> tuple[Floats, Floats]:
    """`1 / (1 + exp(-z))` and 1 minus it, both accurate in both tails."""
    tail = np.exp(-np.abs(z))
    far = 1.0 / (1.0 + tail)
    near = tail * far
    positive = z >= 0
    return np.where(positive, far, near), np.where(positive, near, far)


def _curve(problem: _Problem, y: Floats, shift: float, steepness: float) -> Curve:
    """The curve of best asymptotes for a shift and a steepness."""
    bend, upper, lower = _bend(problem, np.array([[shift, steepness]]))
    norm = np.einsum("kn,kn->k", bend, bend) + 1e-300
    height = float(_height(problem, bend, norm)[0])
    rise = -lower[0] if shift > 0 else upper[0]
    constant = np.ones((1, len(y)))
    near = float(np.linalg.lstsq(constant.T, y - height * rise, rcond=None)[0][0])
    low, high = (near - height, near) if shift > 0 else (near, near + height)
    return Curve(low, high, -shift / steepness, 1.0 / steepness)

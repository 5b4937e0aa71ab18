"""An increasing logistic curve fitted by least squares, from several start values at once.

The curve is linear in its two asymptotes, so these are solved exactly for every position and steepness, and
only two parameters are searched (variable projection: Golub and Pereyra 1973, doi:10.1137/0710036, with the
derivatives of Kaufman 1975, doi:10.1007/BF01932995). The searched form `1 / (1 + exp(-(shift + steepness x)))`
makes the valleys straight in which a four-parameter search creeps whenever an exponential, a line or a step
fits best.

Kept apart from scipy.optimize, which takes a second to import and runs one start after the other;
`tests/stats/test_logistic.py` holds both to the same minimum.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eliq_bench.stats.statistic import Booleans, Floats, Integers

START_SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Start values of the steepness on standardised data: from nearly linear to nearly a step."""

_BLOCK_CELLS = 100_000
"""Items times starts that are searched at once: about 1 MB per array, so that they stay in the processor's cache."""
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
    """k sets of data of n items; shorter sets are padded with items of weight 0 that lie amid the others."""

    x: Floats
    """(k, n)"""
    target: Floats
    """(k, n) labels minus their mean: the constant of the curve is fitted exactly."""
    weight: Floats
    """(k, n) 1, or 0 for padding."""

    @classmethod
    def of(cls, sets: Sequence[tuple[Floats, Floats]]) -> "_Problem":
        x, target, weight = np.zeros((3, len(sets), max(len(x) for x, _ in sets)))
        for row, (values, labels) in enumerate(sets):
            x[row, : len(values)] = values
            target[row, : len(values)] = labels - labels.mean()
            weight[row, : len(values)] = 1.0
        return cls(x, target, weight)

    def take(self, rows: Integers) -> "_Problem":
        """Some of the sets, any of them several times."""
        return _Problem(self.x[rows], self.target[rows], self.weight[rows])

    def centred(self, values: Floats) -> Floats:
        """(k, n) minus their mean over the items that count; 0 for the others."""
        values = values * self.weight
        values -= (values.sum(axis=1) / self.weight.sum(axis=1))[:, None] * self.weight
        return values


def fit_logistic4(sets: Sequence[tuple[Floats, Floats]]) -> list[Curve | None]:
    """The increasing curve with the smallest squared error; where the labels fall, the best it can do is flat.

    Args:
        sets: scores (n,) and labels (n,), each standardised and not constant; sets are fitted apart from each other, at
            once because numpy takes as long for a small array as for ten.

    Returns:
        For each set the best curve of all start values that converged; None if none did.

    >>> x = np.linspace(-2, 2, 50)
    >>> [curve] = fit_logistic4([(x, Curve(-1.0, 2.0, 0.5, 0.4)(x))])
    >>> [round(value, 6) + 0.0 for value in curve]
    [-1.0, 2.0, 0.5, 0.4]
    """
    longest = max((len(x) for x, _ in sets), default=1)
    at_once = max(1, _BLOCK_CELLS // (len(START_SCALES) * longest))
    blocks = [sets[start : start + at_once] for start in range(0, len(sets), at_once)]
    return [curve for block in blocks for curve in _fit(block)]


def _fit(sets: Sequence[tuple[Floats, Floats]]) -> list[Curve | None]:
    n_starts = len(START_SCALES)
    problem = _Problem.of(sets).take(np.repeat(np.arange(len(sets)), n_starts))
    starts = np.zeros((len(sets) * n_starts, 2))
    starts[:, 1] = np.tile(START_SCALES, len(sets))
    parameters, error, converged = _search(problem, starts)
    of_set = [slice(row * n_starts, (row + 1) * n_starts) for row in range(len(sets))]
    return [_best(one, parameters[own], error[own], converged[own]) for one, own in zip(sets, of_set, strict=True)]


def _best(one: tuple[Floats, Floats], parameters: Floats, error: Floats, converged: Booleans) -> Curve | None:
    """The curve of the best start of one set."""
    if not converged.any():
        return None
    eligible = np.where(converged, error, np.inf)
    # Of starts that meet in one minimum the first is taken, so that rounding has no say.
    best = int(np.argmax(eligible <= eligible.min() * (1 + _SAME_MINIMUM)))
    return _curve(*one, *map(float, parameters[best]))


def _search(problem: _Problem, starts: Floats) -> tuple[Floats, Floats, Booleans]:
    """Damped Gauss-Newton steps (Marquardt 1963, doi:10.1137/0111030) for all starts in parallel.

    Damping falls tenfold after a step that lowers the error and rises fourfold after one that does not.

    Args:
        problem: k sets, those of several starts repeated.
        starts: (k, 2) shift and steepness.

    Returns:
        Parameters (k, 2), squared errors (k,), and which converged.
    """
    parameters = starts.copy()
    state = _evaluate(problem, parameters)
    damping = np.ones(len(starts))
    converged = np.zeros(len(starts), dtype=bool)
    negligible = 1e-24 * np.einsum("kn,kn->k", problem.target, problem.target)
    active = np.arange(len(starts))
    left = problem
    for _ in range(_MAX_STEPS):
        if not len(active):
            break
        here = _State(*(known[active] for known in state))
        trial = _bounded(left.x, parameters[active] - _step(here, damping[active]))
        new_state = _evaluate(left, trial)
        gain = here.error - new_state.error
        better = gain > 0
        accepted = active[better]
        parameters[accepted] = trial[better]
        for known, new in zip(state, new_state, strict=True):
            known[accepted] = new[better]
        damping[active] *= np.where(better, 0.1, 4.0)
        # Damping that high means no direction improves any more: the minimum, to rounding.
        done = better & (gain <= _TOLERANCE * new_state.error) | (damping[active] > 1e8)
        done |= state.error[active] <= negligible[active]
        converged[active[done]] = True
        if done.any():
            active, left = active[~done], left.take(np.flatnonzero(~done))
    return parameters, state.error, converged


def _evaluate(problem: _Problem, parameters: Floats) -> _State:
    """Squared error with the best asymptotes, and its derivatives."""
    bend, upper, lower = _bend(problem, parameters)
    norm = np.einsum("kn,kn->k", bend, bend) + 1e-300
    height = _height(problem, bend, norm)[:, None]
    residual = problem.target - height * bend
    slope = -height * upper * lower
    derivatives = [problem.centred(values) for values in (slope, slope * problem.x)]
    for values in derivatives:
        values -= (np.einsum("kn,kn->k", values, bend) / norm)[:, None] * bend
    gradient = np.stack([np.einsum("kn,kn->k", values, residual) for values in derivatives], axis=1)
    curvature = np.stack([np.einsum("kn,kn->k", a, b) for a in derivatives for b in derivatives], axis=1)
    return _State(np.einsum("kn,kn->k", residual, residual), gradient, curvature.reshape(-1, 2, 2))


def _bend(problem: _Problem, parameters: Floats) -> tuple[Floats, Floats, Floats]:
    """The sigmoid minus its mean (k, n); and the sigmoid and 1 minus it."""
    upper, lower = _sigmoid(parameters[:, :1] + parameters[:, 1:] * problem.x)
    # A sigmoid near 1 is 1 minus almost nothing; up to a constant, which is fitted, that is minus it.
    return problem.centred(np.where(parameters[:, :1] > 0, -lower, upper)), upper, lower


def _height(problem: _Problem, bend: Floats, norm: Floats) -> Floats:
    height: Floats = np.einsum("kn,kn->k", bend, problem.target) / norm
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
    shift = np.clip(parameters[:, 0], -_REACH - steepness * x.max(axis=1), _REACH - steepness * x.min(axis=1))
    return np.stack([shift, steepness], axis=1)


def _sigmoid(z: Floats) -> tuple[Floats, Floats]:
    """`1 / (1 + exp(-z))` and 1 minus it, both accurate in both tails."""
    tail = np.exp(-np.abs(z))
    far = 1.0 / (1.0 + tail)
    near = tail * far
    positive = z >= 0
    return np.where(positive, far, near), np.where(positive, near, far)


def _curve(x: Floats, y: Floats, shift: float, steepness: float) -> Curve:
    """The curve of best asymptotes for a shift and a steepness."""
    problem = _Problem.of([(x, y)])
    bend, upper, lower = _bend(problem, np.array([[shift, steepness]]))
    height = float(_height(problem, bend, np.einsum("kn,kn->k", bend, bend) + 1e-300)[0])
    rise = -lower[0] if shift > 0 else upper[0]
    near = float(np.mean(y - height * rise))
    low, high = (near - height, near) if shift > 0 else (near, near + height)
    return Curve(low, high, -shift / steepness, 1.0 / steepness)

"""Increasing logistic curves fitted by least squares: Levenberg-Marquardt, all start values at once.

Kept apart from scipy.optimize for its import time (about a second) and because it runs one fit after the
other; `tests/stats/test_logistic.py` holds both to the same minimum.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from eliq_bench.stats.results import Booleans, Floats

START_SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Start values of the steepness 1 / b4 on standardised data: from nearly linear to nearly a step."""

_MAX_STEPS = 200
_TOLERANCE = 1e-10
"""Relative decrease of the squared error below which a fit has converged."""
_LOG_BOUND = 30.0
"""The logarithms of height and width stay within this bound: a step or a line, to double precision."""

Curve = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""(parameters (k, p), x (n,)) -> values (k, n) and derivatives (k, p, n)."""


class Form(NamedTuple):
    """A family of curves and where its fit starts."""

    curve: Curve
    starts: Callable[[Floats], Floats]
    """Standardised labels (n,) -> start values (k, p)."""
    logarithms: tuple[bool, ...]
    """(p,) which parameters are logarithms."""


class Fits(NamedTuple):
    """Least-squares fits from k start values."""

    parameters: Floats
    """(k, p)"""
    error: Floats
    """(k,) sum of squared residuals."""
    converged: Booleans
    """(k,)"""


def logistic4(parameters: Floats, x: Floats) -> tuple[Floats, Floats]:
    """`b2 + (b1 - b2) / (1 + exp(-(x - b3) / b4))` with its derivatives.

    Args:
        parameters: (k, 4) columns b2, log(b1 - b2), b3, log(b4): the curve can only increase.
        x: (n,)

    Returns:
        Values (k, n) and derivatives (k, 4, n).
    """
    b2, log_height, b3, log_width = parameters.T[:, :, None]
    height, width = np.exp(log_height), np.exp(log_width)
    z = (x - b3) / width
    sigmoid = 0.5 + 0.5 * np.tanh(0.5 * z)
    rise = height * sigmoid
    slope = rise * (1.0 - sigmoid)
    derivatives = np.empty((len(parameters), 4, len(x)))
    derivatives[:, 0] = 1.0
    derivatives[:, 1] = rise
    np.divide(slope, -width, out=derivatives[:, 2])
    np.multiply(slope, -z, out=derivatives[:, 3])
    return b2 + rise, derivatives


def logistic5(parameters: Floats, x: Floats) -> tuple[Floats, Floats]:
    """`b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5` with its derivatives; not monotone in general.

    Sheikh, Sabir and Bovik 2006, doi:10.1109/TIP.2006.881959.

    Args:
        parameters: (k, 5) columns b1, log(b2), b3, b4, b5.
        x: (n,)

    Returns:
        Values (k, n) and derivatives (k, 5, n).
    """
    b1, log_b2, b3, b4, b5 = parameters.T[:, :, None]
    z = np.exp(log_b2) * (x - b3)
    bend = 0.5 * np.tanh(0.5 * z)
    slope = b1 * (0.5 - bend) * (0.5 + bend)
    derivatives = np.empty((len(parameters), 5, len(x)))
    derivatives[:, 0] = bend
    derivatives[:, 1] = slope * z
    derivatives[:, 2] = slope * -np.exp(log_b2)
    derivatives[:, 3] = x
    derivatives[:, 4] = 1.0
    return b1 * bend + b4 * x + b5, derivatives


def starts4(y: Floats) -> Floats:
    """Start values (5, 4) of `logistic4` for standardised data."""
    height = np.log(y.max() - y.min())
    return np.array([[y.min(), height, 0.0, -np.log(scale)] for scale in START_SCALES])


def starts5(y: Floats) -> Floats:
    """Start values (5, 5) of `logistic5` for standardised data."""
    height = y.max() - y.min()
    return np.array([[height, np.log(scale), 0.0, 0.0, y.mean()] for scale in START_SCALES])


LOGISTIC4 = Form(logistic4, starts4, (False, True, False, True))
LOGISTIC5 = Form(logistic5, starts5, (False, True, False, False, False))


def fit(form: Form, x: Floats, y: Floats) -> Fits:
    """Minimises the squared error from every row of start values, in parallel.

    Damped Gauss-Newton steps (Marquardt 1963, doi:10.1137/0111030): damping falls tenfold after a step
    that lowers the error and rises tenfold after one that does not.

    Args:
        form: `LOGISTIC4` or `LOGISTIC5`.
        x: (n,) standardised, finite.
        y: (n,) standardised, finite, not constant.

    Returns:
        Parameters, squared errors and whether each start converged within 200 steps.
    """
    parameters = form.starts(y)
    upper = np.where(form.logarithms, _LOG_BOUND, np.inf)
    values, slopes = form.curve(parameters, x)
    error = _squared(values - y)
    curvature, gradient = _normal_equations(values - y, slopes)
    damping = np.full(len(parameters), 1e-2)
    converged = np.zeros(len(parameters), dtype=bool)
    negligible = 1e-26 * max(_squared(y[None])[0], 1.0)
    active = np.arange(len(parameters))
    for _ in range(_MAX_STEPS):
        if not len(active):
            break
        trial = parameters[active] - _step(curvature[active], gradient[active], damping[active])
        np.clip(trial, -upper, upper, out=trial)
        values, slopes = form.curve(trial, x)
        residual = values - y
        trial_error = _squared(residual)
        better = trial_error < error[active]
        gain = error[active] - trial_error
        accepted = active[better]
        parameters[accepted], error[accepted] = trial[better], trial_error[better]
        curvature[accepted], gradient[accepted] = _normal_equations(residual[better], slopes[better])
        damping[active] *= np.where(better, 0.1, 10.0)
        # Damping that high means no direction improves any more: the minimum, to rounding.
        done = better & (gain <= _TOLERANCE * trial_error) | (damping[active] > 1e12)
        done |= error[active] <= negligible
        converged[active[done]] = True
        active = active[~done]
    return Fits(parameters, error, converged)


def _squared(residual: Floats) -> Floats:
    total: Floats = np.einsum("kn,kn->k", residual, residual)
    return total


def _normal_equations(residual: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Curvature (k, p, p) and gradient (k, p) of half the squared error."""
    return slopes @ slopes.transpose(0, 2, 1), np.einsum("kpn,kn->kp", slopes, residual)


def _step(curvature: Floats, gradient: Floats, damping: Floats) -> Floats:
    """Damped Gauss-Newton steps (k, p)."""
    diagonal = np.einsum("kpp->kp", curvature)
    floor = 1e-12 * diagonal.max(axis=1, keepdims=True) + 1e-300
    damped = curvature + np.eye(curvature.shape[1]) * (damping[:, None] * (diagonal + floor))[:, None, :]
    damped += np.eye(curvature.shape[1]) * floor[:, :, None]
    steps: Floats = np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]
    return steps

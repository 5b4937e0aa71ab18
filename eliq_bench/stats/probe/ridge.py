"""Ridge regression in closed form, for many strengths at the price of one.

Own code since scikit-learn solves afresh for each strength, unless it may leave out single items, which would split
groups. The tests hold it against scikit-learn.
"""

import numpy as np

from eliq_bench.stats.results import Floats


def ridge_path(x: Floats, y: Floats, new: Floats, strengths: Floats) -> Floats:
    """Predictions of ridge regressions on standardised features, one regression for each strength.

    Minimises ||y - b - z w||^2 + strength ||w||^2, where z are the features with mean 0 and variance 1 in `x`; a
    feature that is constant in `x` is left out.

    Args:
        x: (n, d) features to fit on.
        y: (n,) labels to fit to.
        new: (m, d) features to predict from.
        strengths: (k,) positive.

    Returns:
        (k, m) predicted labels.

    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> ridge_path(x, 3 * x[:, 0], np.array([[5.0]]), np.array([1e-9])).round(6)
    array([[15.]])
    """
    varies = np.ptp(x, axis=0) > 0
    centre, spread = x[:, varies].mean(axis=0), x[:, varies].std(axis=0)
    z, z_new = (x[:, varies] - centre) / spread, (new[:, varies] - centre) / spread
    residual = y - y.mean()
    if z.shape[1] <= z.shape[0]:
        variances, axes = np.linalg.eigh(z.T @ z)
        weights, along = axes.T @ (z.T @ residual), z_new @ axes
    else:  # the same regression, written in the n items instead of the d features
        variances, axes = np.linalg.eigh(z @ z.T)
        weights, along = axes.T @ residual, (z_new @ z.T) @ axes
    shrunk = weights[:, None] / (np.clip(variances, 0.0, None)[:, None] + strengths)
    predicted: Floats = y.mean() + (along @ shrunk).T
    return predicted

"""One critic beside another on the same pairs: credit per pair, and the paired difference over groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.training.comparisons import Comparison
from eliq_bench.eliq.training.judge import score_sides
from eliq_bench.eliq.training.source import TokenSource
from eliq_bench.stats.bootstrap import bootstrap_mean
from eliq_bench.stats.comparison import two_sided_bootstrap_p
from eliq_bench.stats.results import Floats

RESAMPLES = 10_000
"""Many, so that Holm's correction over a dozen tests can still fall below 5 %."""


@dataclass(frozen=True)
class Change:
    """By how much one critic orders more pairs correctly than another."""

    value: float
    """First share minus second, in [-1, 1]; NaN without pairs that both can judge."""
    low: float
    high: float
    p: float
    """Two-sided, of the bootstrap over groups."""
    n: int
    """Pairs."""
    groups: int
    reason: str
    """Why there is no value or no interval; empty if there are both."""


def pair_scores(network: CriticNetwork, source: TokenSource, pairs: Sequence[Comparison]) -> Floats:
    """Raw scores (n, 2) of the better and the worse side of pairs; NaN where the network has no such dimension."""
    found = np.full((len(pairs), 2), np.nan)
    for dimension in network.dimensions:
        rows = [row for row, one in enumerate(pairs) if one.dimension == dimension]
        scores = score_sides(network, source, [side for row in rows for side in pairs[row][:2]], dimension)
        for row in rows:
            found[row] = scores[pairs[row].better], scores[pairs[row].worse]
    return found


def credit(scores: Floats) -> Floats:
    """(n,) 1 for each pair of scores (n, 2) in the right order, 0.5 for a tie, 0 otherwise; NaN stays NaN.

    >>> credit(np.array([[2.0, 1.0], [1.0, 1.0], [0.0, 1.0]]))
    array([1. , 0.5, 0. ])
    """
    right: Floats = 0.5 * (1 + np.sign(scores[:, 0] - scores[:, 1]))
    return right


def paired_change(ours: Floats, theirs: Floats, groups: Sequence[str]) -> Change:
    """Mean of ours - theirs with the percentile interval and p-value of a bootstrap over groups.

    Args:
        ours: (n,) credit of the first critic; NaN pairs are left out.
        theirs: (n,) of the second.
        groups: (n,) what is resampled as a whole.

    >>> paired_change(np.ones(20), np.zeros(20), [str(at) for at in range(20)]).value
    1.0
    """
    found = bootstrap_mean(ours - theirs, groups, n_resamples=RESAMPLES, keep_replicates=True)
    drawn = np.full(1, np.nan) if found.replicates is None else found.replicates
    p = two_sided_bootstrap_p(drawn)
    return Change(found.value, found.low, found.high, p, found.n, found.n_groups, found.reason)

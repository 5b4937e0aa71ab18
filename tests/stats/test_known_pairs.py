"""Pairwise accuracy on judged pairs against a plain loop, its intervals against scipy and a plain bootstrap."""

import numpy as np
import pytest
from scipy.stats import binomtest

from eliq_bench.stats.known_pairs import known_pair_accuracy, wilson
from eliq_bench.stats.resampling import resample_counts


def by_hand(positive: np.ndarray, negative: np.ndarray) -> tuple[float, int, int, int]:
    """Value, n, tied and undefined, pair by pair."""
    points, n, tied, undefined = 0.0, 0, 0, 0
    for better, worse in zip(positive.tolist(), negative.tolist(), strict=True):
        if not (np.isfinite(better) and np.isfinite(worse)):
            undefined += 1
            continue
        n += 1
        tied += better == worse
        points += 1.0 if better > worse else 0.5 if better == worse else 0.0
    return points / n, n, tied, undefined


@pytest.mark.parametrize("seed", range(5))
def test_share_ties_and_undefined_are_those_of_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (2, 200)).astype(float)  # many ties
    scores[rng.random((2, 200)) < 0.1] = np.nan
    scores[0, 0] = np.inf
    found = known_pair_accuracy(scores[0], scores[1], rng.integers(0, 40, 200).tolist(), n_resamples=200)
    assert found[:4] == pytest.approx(by_hand(*scores))
    assert found.n_tied > 10
    assert found.n_undefined > 10
    assert found.low < found.value < found.high


def test_a_repeated_group_is_resampled_as_a_whole() -> None:
    """The interval is that of a loop that draws groups, and wider than one that took pairs to be independent."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(30), 8)
    right = rng.random(30)[groups] > 0.4  # all pairs of a group come out alike
    found = known_pair_accuracy(
        right.astype(float), np.full(240, 0.5), groups.tolist(), n_resamples=400, seed=7
    )
    assert (found.interval, found.n_groups) == ("bootstrap", 30)
    drawn = []
    for counts in resample_counts(30, 400, seed=7):
        rows = np.concatenate(
            [np.flatnonzero(groups == group) for group, k in enumerate(counts) for _ in range(k)]
        )
        drawn.append(right[rows].mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=1e-12)
    alone = wilson(found.value, 240)
    assert found.high - found.low > 2 * (alone.high - alone.low)


def test_wilson_is_that_of_scipy() -> None:
    for right, n in ((0, 5), (3, 5), (41, 60), (60, 60)):
        expected = binomtest(right, n).proportion_ci(0.9, method="wilson")
        found = wilson(right / n, n, level=0.9)
        assert found[:2] == pytest.approx((expected.low, expected.high), abs=1e-12)
    for share, n in ((1.1, 3), (0.5, 0)):
        with pytest.raises(ValueError, match="share"):
            wilson(share, n)


def test_without_repeated_groups_the_interval_is_wilsons() -> None:
    found = known_pair_accuracy([2.0, 2, 2, 0, 2], [1.0, 1, 1, 1, 1], list("abcde"))
    assert (found.interval, found[5:7]) == ("wilson", wilson(0.8, 5)[:2])


def test_a_perfect_score_is_no_certainty() -> None:
    """Every resample would give 1; the interval counts each group once."""
    found = known_pair_accuracy(np.ones(60), np.zeros(60), np.repeat(np.arange(20), 3).tolist())
    assert (found.value, found.interval, found.high) == (1.0, "wilson", 1.0)
    assert found.low == pytest.approx(binomtest(20, 20).proportion_ci(0.95, method="wilson").low)


def test_what_is_undefined_says_why() -> None:
    few = known_pair_accuracy([1.0, 0, 1, 1], [0.0, 1, 0, 0], ["a", "a", "b", "b"])
    assert (few.value, few.interval, few.reason) == (0.75, "", "too few groups")
    assert np.isnan(few.low)
    none = known_pair_accuracy([np.nan], [1.0], ["a"])
    assert np.isnan(none.value)
    assert (none.n, none.n_undefined, none.reason) == (0, 1, "no pair has both scores")
    with pytest.raises(ValueError, match="lengths differ"):
        known_pair_accuracy([1.0, 2.0], [1.0], ["a", "b"])

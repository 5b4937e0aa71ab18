"""Paired bootstrap and permutation test of two models."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from eliq_bench.stats.bootstrap import bootstrap_srcc
from eliq_bench.stats.paired import paired_bootstrap, two_sided_bootstrap_p
from eliq_bench.stats.permutation import permutation_test

Floats = NDArray[np.float64]


def two_models(
    seed: int, gap: float, n: int = 240, prompt_effect: float = 1.0
) -> tuple[Floats, Floats, Floats, NDArray[np.intp]]:
    """Two noisy models of a label, with a prompt effect; the second one noisier by `gap`."""
    generator = np.random.default_rng(seed)
    groups = np.arange(n) // 6

    def noise() -> Floats:
        return generator.normal(size=n) + prompt_effect * generator.normal(size=n // 6)[groups]

    y = noise()
    return y + noise(), y + (1 + gap) * noise(), y, groups


def test_difference_is_that_of_shared_resamples() -> None:
    a, b, y, groups = two_models(0, 0.5)
    result = paired_bootstrap(a, b, y, groups)
    one, other = (bootstrap_srcc(x, y, groups, keep_replicates=True).replicates for x in (a, b))
    assert one is not None
    assert other is not None
    assert result.se == np.std(one - other, ddof=1)
    assert result.value == result.srcc_a - result.srcc_b
    assert result.low < result.value < result.high
    assert (result.n, result.n_groups, result.n_dropped, result.reason) == (240, 40, 0, "")


@pytest.mark.parametrize("test", [paired_bootstrap, permutation_test])
def test_swapping_the_models_swaps_the_sign(test: type) -> None:
    a, b, y, groups = two_models(1, 0.3)
    one, other = test(a, b, y, groups), test(b, a, y, groups)
    assert other.value == -one.value
    assert other.p == one.p


@pytest.mark.parametrize("test", [paired_bootstrap, permutation_test])
def test_identical_and_equivalent_models_are_never_separated(test: type) -> None:
    a, _, y, groups = two_models(2, 0.0)
    for other in (a, np.exp(a)):
        result = test(a, other, y, groups)
        assert (result.value, result.p) == (0.0, 1.0)


@pytest.mark.parametrize("test", [paired_bootstrap, permutation_test])
def test_a_clear_difference_is_found_and_p_is_never_zero(test: type) -> None:
    a, b, y, groups = two_models(3, 3.0)
    result = test(a, b, y, groups)
    assert result.value > 0.2
    assert 0 < result.p < 0.01


def false_alarms(prompt_effect: float, by_prompt: bool) -> tuple[int, int]:
    """How often 120 pairs of equally good models are separated at level 0.1: bootstrap, permutation."""
    bootstrap = permutation = 0
    for seed in range(120):
        a, b, y, codes = two_models(100 + seed, 0.0, prompt_effect=prompt_effect)
        groups = codes if by_prompt else None
        bootstrap += paired_bootstrap(a, b, y, groups, n_resamples=300, seed=seed).p <= 0.1
        permutation += permutation_test(a, b, y, groups, n_permutations=100, seed=seed).p <= 0.1
    return bootstrap, permutation


@pytest.mark.parametrize(("prompt_effect", "by_prompt"), [(1.0, True), (0.0, False)])
def test_false_alarms_stay_near_their_level(prompt_effect: float, by_prompt: bool) -> None:
    # 12 expected; 3 standard errors are 10.
    for alarms in false_alarms(prompt_effect, by_prompt):
        assert 2 <= alarms <= 22


def test_single_items_raise_false_alarms_where_prompts_matter() -> None:
    assert min(false_alarms(prompt_effect=1.0, by_prompt=False)) > 24


def test_permutation_equals_a_plain_loop_over_all_swaps() -> None:
    generator = np.random.default_rng(5)
    y = generator.integers(0, 5, 15).astype(float)
    a, b = y + generator.integers(0, 3, 15), y + generator.integers(0, 9, 15)
    groups = np.arange(15) // 3
    ranks = [scipy.stats.rankdata(x) for x in (a, b)]
    observed = scipy.stats.spearmanr(a, y)[0] - scipy.stats.spearmanr(b, y)[0]
    extreme = []
    for swap in itertools.product([False, True], repeat=5):
        mask = np.array(swap)[groups]
        one, other = np.where(mask, ranks[1], ranks[0]), np.where(mask, ranks[0], ranks[1])
        difference = scipy.stats.spearmanr(one, y)[0] - scipy.stats.spearmanr(other, y)[0]
        extreme.append(abs(difference) >= abs(observed) - 1e-12)
    result = permutation_test(a, b, y, groups, n_permutations=4000)
    assert result.value == pytest.approx(observed, abs=1e-12)
    assert result.p == pytest.approx(np.mean(extreme), abs=0.03)
    assert 0.05 < np.mean(extreme) < 0.95  # the case can tell


def test_smallest_p() -> None:
    y = np.arange(60.0)
    assert paired_bootstrap(y, -y, y, None, n_resamples=99).p == pytest.approx(2 / 100)
    assert permutation_test(y, -y, y, None, n_permutations=99).p == pytest.approx(1 / 100)


def test_p_of_replicates() -> None:
    assert two_sided_bootstrap_p(np.array([-1.0, 1.0, 2.0, 3.0])) == pytest.approx(2 * 2 / 5)
    assert two_sided_bootstrap_p(np.array([np.nan, 1.0, 2.0])) == pytest.approx(2 / 3)
    assert math.isnan(two_sided_bootstrap_p(np.array([np.nan])))


def test_only_items_that_both_scored_enter() -> None:
    a, b, y, groups = two_models(4, 0.4)
    base = paired_bootstrap(a[12:], b[12:], y[12:], groups[12:])
    a[:6], b[6:12] = np.nan, np.inf
    result = paired_bootstrap(a, b, y, groups)
    assert result == base
    assert result.n == 228
    assert permutation_test(a, b, y, groups).n == 228


def test_edges() -> None:
    a, b, y, groups = two_models(5, 0.4)
    few = paired_bootstrap(a, b, y, groups % 9)
    assert few.reason == "too few groups"
    assert math.isfinite(few.value)
    assert math.isnan(few.p)
    assert math.isnan(few.low)
    for test in (paired_bootstrap, permutation_test):
        constant = test(a, np.ones(240), y, groups)
        assert constant.reason == "constant score"
        assert math.isnan(constant.value)
        assert math.isnan(constant.p)
        assert test([1, 2], [1, 2], [1, 2], None).reason == "too few"
        with pytest.raises(ValueError, match=r"\(240,\) and \(240,\) and \(239,\)"):
            test(a, b, y[1:], groups)
    with pytest.raises(ValueError, match="1 permutation"):
        permutation_test(a, b, y, groups, n_permutations=0)

"""Paired bootstrap of two models."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from eliq_bench.stats.bootstrap import bootstrap_srcc
from eliq_bench.stats.paired import paired_bootstrap, two_sided_bootstrap_p

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
    result = paired_bootstrap(a, b, y, groups, n_resamples=1000)
    one, other = (bootstrap_srcc(x, y, groups, keep_replicates=True).replicates for x in (a, b))
    assert one is not None
    assert other is not None
    assert result.se == np.std(one - other, ddof=1)
    assert result.difference == result.srcc_a - result.srcc_b
    assert result.low < result.difference < result.high
    assert (result.n, result.reason, result.a, result.b) == (240, "", "a", "b")


def test_swapping_the_models_swaps_the_sign() -> None:
    a, b, y, groups = two_models(1, 0.3)
    one, other = paired_bootstrap(a, b, y, groups), paired_bootstrap(b, a, y, groups)
    assert other.difference == -one.difference
    assert other.p == one.p


def test_identical_and_equivalent_models_are_never_separated() -> None:
    a, _, y, groups = two_models(2, 0.0)
    for other in (a, np.exp(a)):
        result = paired_bootstrap(a, other, y, groups)
        assert (result.difference, result.p) == (0.0, 1.0)


def test_a_clear_difference_is_found_and_p_is_never_zero() -> None:
    a, b, y, groups = two_models(3, 3.0)
    result = paired_bootstrap(a, b, y, groups)
    assert result.difference > 0.2
    assert 0 < result.p < 0.01


def false_alarms(prompt_effect: float, by_prompt: bool) -> int:
    """How often 120 pairs of equally good models are separated at level 0.1."""
    alarms = 0
    for seed in range(120):
        a, b, y, codes = two_models(100 + seed, 0.0, prompt_effect=prompt_effect)
        groups = codes if by_prompt else None
        alarms += paired_bootstrap(a, b, y, groups, n_resamples=300, seed=seed).p <= 0.1
    return alarms


@pytest.mark.parametrize(("prompt_effect", "by_prompt"), [(1.0, True), (0.0, False)])
def test_false_alarms_stay_near_their_level(prompt_effect: float, by_prompt: bool) -> None:
    # 12 expected; 3 standard errors are 10.
    assert 2 <= false_alarms(prompt_effect, by_prompt) <= 22


def test_single_items_raise_false_alarms_where_prompts_matter() -> None:
    assert false_alarms(prompt_effect=1.0, by_prompt=False) > 24


def test_smallest_p() -> None:
    y = np.arange(60.0)
    assert paired_bootstrap(y, -y, y, None, n_resamples=99).p == pytest.approx(2 / 100)


def test_p_of_replicates() -> None:
    assert two_sided_bootstrap_p(np.array([-1.0, 1.0, 2.0, 3.0])) == pytest.approx(2 * 2 / 5)
    assert two_sided_bootstrap_p(np.append(np.ones(199), np.nan)) == pytest.approx(2 / 200)
    assert math.isnan(two_sided_bootstrap_p(np.array([np.nan, 1.0, 2.0])))
    assert math.isnan(two_sided_bootstrap_p(np.array([np.nan])))


def test_only_items_that_both_scored_enter() -> None:
    a, b, y, groups = two_models(4, 0.4)
    base = paired_bootstrap(a[12:], b[12:], y[12:], groups[12:])
    a[:6], b[6:12] = np.nan, np.inf
    result = paired_bootstrap(a, b, y, groups)
    assert result._replace(p_holm=0) == base._replace(p_holm=0)  # both NaN
    assert result.n == 228


def test_edges() -> None:
    a, b, y, groups = two_models(5, 0.4)
    few = paired_bootstrap(a, b, y, groups % 9)
    assert few.reason == "too few groups"
    assert math.isfinite(few.difference)
    assert math.isnan(few.p)
    assert math.isnan(few.low)
    constant = paired_bootstrap(a, np.ones(240), y, groups)
    assert constant.reason == "constant score"
    assert math.isnan(constant.difference)
    assert math.isnan(constant.p)
    assert paired_bootstrap([1, 2], [1, 2], [1, 2], None).reason == "too few"
    with pytest.raises(ValueError, match=r"\(240,\) and \(240,\) and \(239,\)"):
        paired_bootstrap(a, b, y[1:], groups)

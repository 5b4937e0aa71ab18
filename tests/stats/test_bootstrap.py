"""Group bootstrap: error of a mean, clustered data, edges."""

import math

import numpy as np
import pytest

from eliq_bench.stats.bootstrap import bootstrap_mean, bootstrap_srcc, percentile_interval, standard_error
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.many import compare_models
from eliq_bench.stats.paired import paired_bootstrap


def test_standard_error_of_a_mean_is_not_divided_by_the_resamples() -> None:
    # lighteval divided by sqrt(B), which is 45 times too small here.
    for seed in range(4):
        values = np.random.default_rng(seed).normal(size=400)
        result = bootstrap_mean(values, None, n_resamples=2000, seed=seed)
        assert result.se == pytest.approx(values.std(ddof=1) / 20, rel=0.05)
        assert result.value == pytest.approx(values.mean())
        assert result.low < result.value < result.high


def test_error_of_a_mean_of_groups_is_that_of_the_group_means() -> None:
    effect = np.random.default_rng(0).normal(size=200)
    values = np.repeat(effect, 10)
    result = bootstrap_mean(values, np.repeat(np.arange(200), 10), n_resamples=2000)
    assert result.se == pytest.approx(effect.std(ddof=1) / math.sqrt(200), rel=0.05)
    assert bootstrap_mean(values, None, n_resamples=2000).se < 0.4 * result.se


def test_a_prompt_effect_widens_the_error_by_prompt_but_not_by_image() -> None:
    generator = np.random.default_rng(2)
    prompt = np.repeat(np.arange(300), 10)
    quality = generator.normal(size=3000)
    score = quality + 0.8 * generator.normal(size=3000) + 0.8 * generator.normal(size=300)[prompt]
    label = quality + 0.5 * generator.normal(size=300)[prompt]
    by_prompt, by_image = (bootstrap_srcc(score, label, g).se for g in (prompt, None))
    assert by_prompt > 1.25 * by_image


def test_duplicated_data_in_the_same_groups_change_nothing() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 90))
    groups = np.arange(90) % 30
    once = bootstrap_srcc(x, y, groups)
    twice = bootstrap_srcc(np.tile(x, 2), np.tile(y, 2), np.tile(groups, 2))
    assert twice.value == pytest.approx(once.value, abs=1e-12)
    assert (twice.se, twice.low, twice.high) == pytest.approx((once.se, once.low, once.high), abs=1e-12)


def test_interval_covers_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    covered = 0
    for seed in range(150):
        effect = generator.normal(size=(40, 2))
        values = generator.normal(size=(40, 4)) + effect[:, :1]
        result = bootstrap_mean(values.ravel(), np.repeat(np.arange(40), 4), level=0.9, seed=seed)
        covered += result.low <= 0.0 <= result.high
    assert 0.82 <= covered / 150 <= 0.96


def test_replicates_are_shared_between_models_with_the_same_items() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 60))
    groups = [f"p{i % 20}" for i in range(60)]
    one = bootstrap_srcc(x, y, groups, keep_replicates=True)
    other = bootstrap_srcc(np.exp(x), y, groups, keep_replicates=True)
    assert one.replicates is not None
    assert other.replicates is not None
    assert np.array_equal(one.replicates, other.replicates)
    assert one.replicates.shape == (1000,)
    assert bootstrap_srcc(x, y, groups).replicates is None
    assert bootstrap_srcc(x, y, groups, seed=1).se != one.se


def test_nearly_constant_data_have_no_interval_rather_than_a_wrong_one() -> None:
    # One group holds all the spread: a resample without it is constant.
    groups = np.repeat(np.arange(10), 3)
    label = np.where(groups == 0, np.arange(30), 5.0)
    score = np.arange(30.0)
    result = bootstrap_srcc(score, label, groups, keep_replicates=True)
    assert result.replicates is not None
    assert np.isnan(result.replicates).mean() == pytest.approx(0.9**10, abs=0.05)
    missing = int(np.isnan(result.replicates).sum())
    assert result.n_undefined == missing
    assert result.reason == f"undefined in {missing} of 1,000 resamples"
    assert all(math.isnan(number) for number in (result.low, result.high, result.se))
    test = paired_bootstrap(score, score[::-1], label, groups)
    assert test.reason.startswith("undefined in ")
    assert math.isnan(test.p)
    (standing,) = compare_models({"one": score}, label, groups).standings
    assert standing.reason.startswith("undefined in ")
    assert math.isnan(standing.low)


def test_fewer_than_ten_groups_have_a_value_but_no_interval() -> None:
    x = np.arange(90.0)
    result = bootstrap_srcc(x, x % 40, np.arange(90) % 9)
    assert result.value == srcc(x, x % 40).value
    assert (result.reason, result.n_groups) == ("too few groups", 9)
    assert math.isnan(result.low)
    assert math.isnan(result.high)
    assert math.isnan(result.se)
    assert bootstrap_srcc(x, x % 40, np.arange(90) % 10).reason == ""


def test_groups_are_counted_after_incomplete_items_are_left_out() -> None:
    x = np.arange(30.0)
    score = x.copy()
    score[:3] = np.nan
    score[3] = np.inf
    result = bootstrap_srcc(score, x, np.arange(30) // 3)
    assert (result.n, result.n_nan, result.n_inf, result.n_groups) == (26, 3, 1, 9)
    assert result.reason == "too few groups"


def test_one_nan_leaves_value_and_interval() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 60))
    for groups in ([f"p{i % 20}" for i in range(60)], None):
        more = None if groups is None else [*groups, "another"]
        base, result = bootstrap_srcc(x, y, groups), bootstrap_srcc([*x, np.nan], [*y, 3.0], more)
        assert (result.value, result.low, result.high, result.se) == (
            base.value,
            base.low,
            base.high,
            base.se,
        )
        assert result.n_nan == 1


@pytest.mark.parametrize(("score", "reason"), [([1.0] * 20, "constant score"), ([np.nan] * 20, "too few")])
def test_undefined_values(score: list[float], reason: str) -> None:
    result = bootstrap_srcc(score, range(20), None)
    assert math.isnan(result.value)
    assert result.reason == reason
    assert bootstrap_mean([np.nan], ["a"]).reason == "too few"


def test_wrong_calls() -> None:
    x = np.arange(30.0)
    with pytest.raises(ValueError, match="group is missing for 1 of 30"):
        bootstrap_srcc(x, x, [None, *range(29)])
    with pytest.raises(ValueError, match=r"\(30,\) and \(29,\)"):
        bootstrap_srcc(x, x[1:], None)
    with pytest.raises(ValueError, match="level"):
        bootstrap_srcc(x, x, None, level=1.5)
    with pytest.raises(ValueError, match="1 resample"):
        bootstrap_mean(x, None, n_resamples=0)


def test_summaries_of_replicates() -> None:
    replicates = np.append(np.arange(101.0), np.nan)
    assert percentile_interval(replicates, 0.9) == pytest.approx((5.0, 95.0))
    assert standard_error(replicates) == np.std(np.arange(101), ddof=1)
    assert math.isnan(percentile_interval(np.array([1.0, np.nan]), 0.9)[0])
    two_of_hundred = np.append(np.arange(98.0), [np.nan, np.nan])
    assert math.isnan(percentile_interval(two_of_hundred, 0.9)[0])
    assert math.isnan(standard_error(two_of_hundred))
    assert math.isnan(standard_error(np.array([np.nan])))

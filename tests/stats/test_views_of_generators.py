"""Floor, share of variance, within-group correlation and system level, by brute force and at their edges."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from eliq_bench.stats.controls import generator_floor
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.system import system_level
from eliq_bench.stats.within import within_generator, within_prompt, within_srcc

reproducible = settings(deadline=None, derandomize=True, database=None)
rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from("abcd")), max_size=60)


def spearman_or_nan(x: list[float], y: list[float]) -> float:
    constant = len(set(x)) < 2 or len(set(y)) < 2
    return math.nan if constant else float(scipy.stats.spearmanr(x, y)[0])


@reproducible
@given(rows, st.integers(3, 6))
def test_within_groups_equals_a_loop(data: list[tuple[int, int, str]], min_items: int) -> None:
    groups = {name: [row for row in data if row[2] == name] for name in sorted({row[2] for row in data})}
    large = {name: part for name, part in groups.items() if len(part) >= min_items}
    r = {name: spearman_or_nan([p[0] for p in part], [p[1] for p in part]) for name, part in large.items()}
    used = [value for value in r.values() if not math.isnan(value)]
    x, y, g = (list(column) for column in zip(*data, strict=True)) if data else ([], [], [])
    result = within_srcc(x, y, g, min_items)
    assert (result.n, result.n_small) == (len(used), len(groups) - len(large))
    assert result.n_constant == len(large) - len(used)
    if not used:
        assert math.isnan(result.value)
        assert result.reason.startswith("no group")
        return
    assert result.mean == result.value == pytest.approx(np.mean(used), abs=1e-12)
    assert (result.lowest, result.highest) == pytest.approx((min(used), max(used)), abs=1e-12)
    z = np.arctanh(np.clip(used, -0.999999, 0.999999))
    assert result.fisher == pytest.approx(np.tanh(z.mean()), abs=1e-9)
    assert result.n_items == sum(len(large[name]) for name in large if not math.isnan(r[name]))


def test_generators_below_ten_items_and_prompts_below_three_are_left_out() -> None:
    x = np.arange(40.0)
    groups = ["big"] * 10 + ["small"] * 9 + ["bigger"] * 21
    result = within_generator(x, x, groups)
    assert (result.n, result.n_small, result.n_items) == (2, 1, 31)
    assert result.value == pytest.approx(0.999999)  # |r| = 1 is clipped before atanh
    assert result.mean == 1.0
    pairs = within_prompt([1, 2, 1, 2, 3, 1], [1, 2, 1, 3, 2, 1], ["two"] * 2 + ["three"] * 3 + ["one"])
    assert (pairs.n, pairs.n_small, pairs.value) == (1, 2, 0.5)


def test_constant_sides_are_left_out_and_counted() -> None:
    score = [1, 1, 1, 1, 2, 3, 1, 2, 3]
    label = [1, 2, 3, 5, 5, 5, 1, 2, 3]
    result = within_prompt(score, label, [0] * 3 + [1] * 3 + [2] * 3)
    assert (result.value, result.n, result.n_constant, result.n_small) == (1.0, 1, 2, 0)


def test_size_is_counted_after_incomplete_items_are_left_out() -> None:
    result = within_prompt([1, 2, np.nan, 1, 2, 3], [1, 2, 3, 3, 2, 1], ["a"] * 3 + ["b"] * 3)
    assert (result.value, result.n, result.n_small) == (-1.0, 1, 1)


def test_pooled_correlation_can_hide_that_nothing_is_ranked_within() -> None:
    generator = np.random.default_rng(0)
    names = np.repeat(list("abcdef"), 100)
    level = np.repeat(np.arange(6.0), 100)
    score, label = level + 0.3 * generator.normal(size=(2, 600))
    assert srcc(score, label).value > 0.9
    assert abs(within_generator(score, label, names).value) < 0.1


def test_floor_by_hand() -> None:
    label, names = [1, 2, 5, 6], ["old", "old", "new", "new"]
    assert generator_floor(label, names).value == srcc([1.5, 1.5, 5.5, 5.5], label).value


def test_floor_edges() -> None:
    assert generator_floor([1, 2, 3], None).reason == "no generator"
    assert generator_floor([1, 2, 3], [None] * 3).reason == "no generator"
    assert generator_floor([1, 2, 3], ["a"] * 3).reason == "one generator"
    assert generator_floor([1, 2], ["a", "b"]).reason == "too few"
    assert generator_floor([2, 2, 2], ["a", "b", "a"]).reason == "constant score"
    result = generator_floor([1, 2, 5, 6, np.nan], ["old", "old", "new", "new", "new"])
    assert (result.n, result.n_nan, result.reason) == (4, 1, "")
    with pytest.raises(ValueError, match="generator is missing for 1 of 3"):
        generator_floor([1, 2, 3], ["a", None, "b"])


def test_system_level_equals_a_loop() -> None:
    generator = np.random.default_rng(1)
    names = generator.choice(list("vwxyz"), 200)
    label = generator.normal(size=200) + (names == "v") - (names == "z")
    score = label + 2 * generator.normal(size=200)
    result = system_level(score, label, names, np.arange(200) % 40)
    means = [(score[names == n].mean(), label[names == n].mean()) for n in "vwxyz"]
    assert result.generators == tuple("vwxyz")
    assert result.tau.value == pytest.approx(scipy.stats.kendalltau(*zip(*means, strict=True))[0])
    right = [(a[0] > b[0]) == (a[1] > b[1]) for a, b in itertools.combinations(means, 2)]
    assert result.accuracy.value == pytest.approx(np.mean(right))
    assert (result.tau.n, result.accuracy.n, result.soft.n) == (5, 10, 10)


def test_soft_accuracy_equals_a_loop_over_the_same_resamples() -> None:
    from eliq_bench.stats.resampling import resample_counts

    generator = np.random.default_rng(2)
    systems, prompts = np.divmod(np.arange(60), 15)
    label = generator.normal(size=60) + 0.2 * systems
    score = label + generator.normal(size=60)
    score[0] = np.nan  # one system lacks one prompt
    result = system_level(score, label, systems, prompts, n_resamples=200, seed=4)
    wins = np.zeros((2, 4, 4))
    for counts in resample_counts(15, 200, seed=4):
        weight = counts[prompts] * np.isfinite(score)
        for side, values in enumerate((np.nan_to_num(score), label)):
            means = [np.average(values[systems == s], weights=weight[systems == s]) for s in range(4)]
            wins[side] += np.sign(np.subtract.outer(means, means)) / 2 + 0.5
    first, second = np.triu_indices(4, 1)
    confidence = wins[:, first, second] / 200
    assert result.soft.value == pytest.approx(1 - np.abs(confidence[0] - confidence[1]).mean(), abs=1e-12)
    assert 0 < result.soft.value < 1


def test_a_generator_counts_only_in_resamples_that_draw_it() -> None:
    # The last of five generators drew one prompt only, and there it is the best for people and model.
    systems, prompts = np.divmod(np.arange(61), 15)
    label = np.where(systems == 4, 9.0, systems + 0.0)
    result = system_level(label, label, systems, prompts, n_resamples=300)
    assert result.soft.value == 1.0
    opposed = system_level(np.where(systems == 4, -1.0, label), label, systems, prompts, n_resamples=300)
    assert opposed.soft.value == pytest.approx(1 - 4 / 10, abs=1e-12)


def test_soft_accuracy_forgives_what_people_cannot_separate() -> None:
    generator = np.random.default_rng(3)
    names = np.tile(list("abcd"), 50)
    prompts = np.repeat(np.arange(50), 4)
    label = generator.normal(size=200)  # four equal generators
    order = np.argsort([label[names == n].mean() for n in "abcd"])
    score = generator.normal(size=200) - 0.02 * np.argsort(order)[np.tile(np.arange(4), 50)]
    result = system_level(score, label, names, prompts)
    assert result.soft.value > result.accuracy.value
    clear = system_level(100.0 * np.tile(np.arange(4), 50), 100.0 * np.tile([3, 2, 1, 0], 50), names, prompts)
    assert (clear.tau.value, clear.accuracy.value, clear.soft.value) == (-1.0, 0.0, 0.0)


def test_equal_means_are_tied_however_they_were_summed() -> None:
    label = np.array([0.1, 0.2, 0.6, 0.3, 0.3, 0.3, 0.0, 0.1, 0.2, 1.0, 1.1, 1.2])  # means 0.3, 0.3, 0.1, 1.1
    assert label[:3].sum() != label[3:6].sum()
    names = np.repeat(list("abcd"), 3)
    for factor in (1.0, 20.0, 1 / 3):
        result = system_level(np.arange(12.0), factor * label, names)
        assert result.accuracy.n == 5
    assert system_level(label, np.arange(12.0), names).accuracy.value == 3.5 / 6


def test_system_level_edges() -> None:
    x = np.arange(40.0)
    three = system_level(x, x, np.arange(40) % 3)
    assert (three.tau.reason, three.accuracy.reason, three.soft.reason) == ("too few generators",) * 3
    assert three.generators == ("0", "1", "2")
    assert system_level(x, x, None).tau.reason == "no generator"
    assert system_level(x, x, [None] * 40).generators == ()
    flat = system_level(np.ones(40), x, np.arange(40) % 4)
    assert flat.tau.reason == "constant score"
    assert flat.accuracy.value == 0.5
    equal = system_level(x, np.ones(40), np.arange(40) % 4)
    assert equal.accuracy.reason == "all mean labels equal"
    few = system_level(x, x, np.arange(40) % 4, np.arange(40) % 9)
    assert few.soft.reason == "too few groups"
    assert few.tau.value == 1.0
    with pytest.raises(ValueError, match="generator is missing"):
        system_level(x, x, [None, *range(39)])
    with pytest.raises(ValueError, match="group must have one entry"):
        system_level(x, x, np.arange(40) % 4, [1, 2])


def test_system_level_of_scores_far_from_0() -> None:
    random = np.random.default_rng(0)
    names = np.repeat(["a", "b", "c", "d", "e"], 20)
    score, label = random.integers(0, 64, (2, 100)) / 64  # an offset of 2**40 leaves these exact
    near, far = system_level(score, label, names), system_level(score + 2.0**40, label - 2.0**40, names)
    assert (far.tau.value, far.accuracy.value, far.soft.value) == (
        near.tau.value,
        near.accuracy.value,
        near.soft.value,
    )

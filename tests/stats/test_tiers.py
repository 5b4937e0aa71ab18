"""Holm's correction, tiers, rank intervals, and all models at once."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eliq_bench.stats.bootstrap import bootstrap_srcc
from eliq_bench.stats.many import compare_models, resamples_for
from eliq_bench.stats.paired import paired_bootstrap
from eliq_bench.stats.resampling import srcc_replicates
from eliq_bench.stats.tiers import holm, rank_intervals, tiers

Floats = NDArray[np.float64]
reproducible = settings(deadline=None, derandomize=True, database=None)
p_values = st.lists(st.floats(0, 1), max_size=12)


def test_holm_by_hand() -> None:
    # Holm 1979: smallest times 3, next times 2, largest times 1, never falling.
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []
    assert holm([0.2]).tolist() == [0.2]


@reproducible
@given(p_values, st.floats(0.001, 0.5))
def test_holm_rejects_what_its_steps_reject(p: list[float], alpha: float) -> None:
    adjusted = holm(p)
    rejected = set()
    for step, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[index] * (len(p) - step) > alpha:
            break
        rejected.add(index)
    assert {i for i in range(len(p)) if adjusted[i] <= alpha} == rejected
    assert all(a >= b for a, b in zip(adjusted, p, strict=True))


def test_holm_leaves_undefined_tests_out_of_the_family() -> None:
    result = holm([0.01, math.nan, 0.03])
    assert result[[0, 2]].tolist() == pytest.approx([0.02, 0.03])
    assert math.isnan(result[1])
    for bad in ([-0.1], [1.1], [[0.5]]):
        with pytest.raises(ValueError, match="p-values"):
            holm(bad)


def test_tiers_by_hand() -> None:
    values = {"a": 0.9, "b": 0.85, "c": 0.8, "d": 0.5}
    # c is worse than a although not than b; d is worse than a, which is of another tier.
    assert tiers(values, [("c", "a"), ("a", "d")]) == {"a": 1, "b": 1, "c": 2, "d": 2}
    assert tiers(values, []) == {"a": 1, "b": 1, "c": 1, "d": 1}
    # b beats c: they share no tier, although nothing separates c from a, the best.
    assert tiers(values, [("b", "c")]) == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_tier_edges() -> None:
    assert tiers({}, []) == {}
    assert tiers({"only": 0.3}, []) == {"only": 1}
    assert tiers({"a": 0.3, "b": math.nan}, [("a", "b")]) == {"a": 1}


@reproducible
@given(
    st.permutations(["a", "b", "c", "d", "e"]),
    st.sets(st.sampled_from(list(itertools.combinations("abcde", 2)))),
)
def test_no_tier_contradicts_a_verdict(order: list[str], apart: set[tuple[str, str]]) -> None:
    values = {"a": 0.9, "b": 0.9, "c": 0.7, "d": -0.2, "e": 0.1}
    expected = tiers(values, apart)
    result = tiers({n: values[n] for n in order}, [(b, a) for a, b in apart])
    assert result == expected
    assert list(result) == ["a", "b", "c", "e", "d"]
    assert all(result[a] != result[b] for a, b in apart)
    assert list(result.values()) == sorted(result.values())
    for first in range(2, max(result.values()) + 1):  # a tier begins only where a verdict asks for it
        opener = next(name for name, tier in result.items() if tier == first)
        before = [name for name, tier in result.items() if tier == first - 1]
        assert any((name, opener) in apart or (opener, name) in apart for name in before)


def test_rank_intervals() -> None:
    generator = np.random.default_rng(0)
    base = generator.normal(0.5, 0.01, 1000)
    replicates = np.stack([base, base, base + generator.normal(0.0, 0.01, 1000), base - 0.3], axis=1)
    low, high = rank_intervals(replicates)
    assert (low[0], high[0]) == (low[1], high[1]) == (1, 2)  # two identical models
    assert (low[2], high[2]) == (1, 3)
    assert (low[3], high[3]) == (4, 4)
    replicates[0, 0] = np.nan
    assert rank_intervals(replicates)[0].tolist() == low.tolist()
    assert np.isnan(rank_intervals(np.full((5, 2), np.nan))).all()
    with pytest.raises(ValueError, match="level"):
        rank_intervals(replicates, level=0.0)


def family(n: int = 360, seed: int = 0) -> tuple[dict[str, Floats], Floats, NDArray[np.intp]]:
    generator = np.random.default_rng(seed)
    groups = np.arange(n) // 6
    y = generator.normal(size=n)
    noise = {"good": 0.5, "twin": 0.5, "fair": 1.0, "poor": 4.0}
    scores = {name: y + sd * generator.normal(size=n) for name, sd in noise.items()}
    scores["twin"] = np.exp(scores["good"])
    scores["upside down"] = -scores["fair"]
    return scores, y, groups


def test_all_models_at_once() -> None:
    scores, y, groups = family()
    result = compare_models(scores, y, groups)
    assert [s.model for s in result.standings] == ["good", "twin", "fair", "poor", "upside down"]
    assert [s.tier for s in result.standings] == [1, 1, 2, 3, 4]
    assert [s.rank for s in result.standings] == [1, 1, 3, 4, 5]
    assert result.standings[-1].value < -0.5  # a reversed model stays negative
    good, twin = result.standings[:2]
    assert good[1:] == twin[1:]
    assert len(result.pairs) == 10
    assert result.pair("twin", "good").p_holm == 1.0
    assert (result.n_groups, result.n_common, result.n_resamples) == (60, 360, 10_000)
    assert [pair.p_holm for pair in result.pairs] == holm([pair.p for pair in result.pairs]).tolist()
    with pytest.raises(KeyError, match="good and bad"):
        result.pair("good", "bad")


def test_results_do_not_depend_on_the_order_of_models_or_items() -> None:
    scores, y, groups = family()
    order = np.random.default_rng(1).permutation(len(y))
    base = compare_models(scores, y, groups)
    turned = {name: scores[name][order] for name in reversed(scores)}
    assert compare_models(turned, y[order], groups[order]) == base
    items = compare_models(scores, y, None, n_resamples=200)
    assert compare_models(turned, y[order], None, n_resamples=200) == items


def test_each_pair_rests_on_the_items_that_both_scored() -> None:
    scores, y, groups = family()
    scores["fair"][:20] = np.nan
    scores["poor"][300:] = np.inf
    result = compare_models(scores, y, groups, n_resamples=400)
    pair = result.pair("fair", "poor")
    both = slice(20, 300)
    expected = paired_bootstrap(scores["fair"][both], scores["poor"][both], y[both], groups[both])
    assert pair.difference == expected.difference
    assert (pair.n, result.n_common) == (280, 280)
    assert pair.se == pytest.approx(expected.se, rel=0.15)  # the same groups drawn differently
    standing = next(s for s in result.standings if s.model == "fair")
    assert (standing.n, standing.value) == (340, bootstrap_srcc(scores["fair"], y, groups).value)
    whole = next(s for s in result.standings if s.model == "good")
    alone = bootstrap_srcc(scores["good"], y, groups, n_resamples=400)
    assert (whole.low, whole.high, whole.se) == (alone.low, alone.high, alone.se)


def test_items_without_a_label_are_left_out_for_all() -> None:
    scores, y, groups = family()
    base = compare_models(scores, y, groups, n_resamples=200)
    longer = {name: np.append(score, 1.0) for name, score in scores.items()}
    assert compare_models(longer, np.append(y, np.nan), np.append(groups, 999), n_resamples=200) == base


def test_models_without_a_value_and_sets_with_few_groups() -> None:
    scores, y, groups = family()
    scores["flat"] = np.ones(len(y))
    scores["empty"] = np.full(len(y), np.nan)
    result = compare_models(scores, y, groups, n_resamples=200)
    last = result.standings[-2:]
    assert [(s.model, s.reason, s.tier, s.rank) for s in last] == [
        ("empty", "too few", None, None),
        ("flat", "constant score", None, None),
    ]
    assert all(math.isnan(s.rank_low) and math.isnan(s.low) for s in last)
    assert result.pair("good", "flat").reason == "constant score"
    assert math.isnan(result.pair("good", "flat").p_holm)
    assert result.n_common == 360
    few = compare_models({"good": scores["good"], "fair": scores["fair"]}, y, groups % 8, n_resamples=200)
    assert [s.reason for s in few.standings] == ["too few groups"] * 2
    assert [s.tier for s in few.standings] == [1, 1]
    assert few.pairs[0].reason == "too few groups"
    nothing = compare_models({"flat": scores["flat"]}, y, groups)
    assert (nothing.n_common, nothing.pairs) == (0, ())


def test_wrong_calls() -> None:
    scores, y, groups = family()
    with pytest.raises(ValueError, match="at least one model"):
        compare_models({}, y, groups)
    with pytest.raises(ValueError, match=r"scores of fair .* \(359,\) and \(360,\)"):
        compare_models({**scores, "fair": scores["fair"][1:]}, y, groups)
    with pytest.raises(ValueError, match="group is missing"):
        compare_models(scores, y, [None, *groups[1:]])


def test_default_resamples_are_ten_times_what_holm_needs_to_reject_one_pair_among_all() -> None:
    for n_models in (2, 5, 15, 40):
        least = n_models * (n_models - 1) / 2 * 2 / 0.05 - 1
        assert resamples_for(n_models, 0.05) >= 10 * least
    assert resamples_for(1, 0.05) == 10_000


def near_the_level(b: float) -> tuple[dict[str, Floats], Floats, NDArray[np.intp]]:
    """Two models whose difference is about as large as its test can see, by the noise of b, and two that are clear."""
    generator = np.random.default_rng(11)
    y = generator.normal(size=300)
    noise = {"a": 1.0, "b": b, "c": 5.0, "d": 8.0}
    return {name: y + sd * generator.normal(size=300) for name, sd in noise.items()}, y, np.arange(300) // 3


def test_more_is_drawn_where_p_is_near_the_level_and_its_error_is_told() -> None:
    scores, y, groups = near_the_level(b=1.14)
    found = [compare_models(scores, y, groups, alpha=0.058, seed=seed) for seed in range(4, 8)]
    pairs = [result.pair("a", "b") for result in found]
    assert [pair.n_resamples for pair in pairs] == [15_000] * 4
    for pair in found[0].pairs:
        if (pair.a, pair.b) != ("a", "b"):
            assert (pair.n_resamples, pair.p_is_bound) == (10_000, pair.p == 2 / 10_001)
    # p varies between seeds as its error says: chi-square of 3 degrees of freedom, 99.9 % below 16.3
    drawn, error = np.array([pair.p for pair in pairs]), pairs[0].p_error
    assert error == pytest.approx(2 * scipy.stats.binom.std(15_000, drawn[0] / 2) / 15_000)
    assert 0.02 < ((drawn - drawn.mean()) ** 2).sum() / error**2 < 16.3
    assert pairs[0].p_holm_error == pytest.approx(2 * error)


def test_more_draws_are_those_of_a_seed_of_their_own() -> None:
    scores, y, groups = near_the_level(b=1.11)
    pair = compare_models({name: scores[name] for name in "ab"}, y, groups).pairs[0]
    both = np.stack([scores["a"], scores["b"]])
    drawn = np.concatenate(
        [srcc_replicates(both, y, groups, 100, n, seed) for n, seed in ((10_000, 0), (2_500, (0, 1)))]
    )
    other_side = min((drawn[:, 0] <= drawn[:, 1]).sum(), (drawn[:, 0] >= drawn[:, 1]).sum())
    assert (pair.n_resamples, pair.p) == (12_500, 2 * (other_side + 1) / 12_501)


def test_false_alarms_of_tiers_stay_below_their_level() -> None:
    # Five equal models, prompt-clustered: any second tier is a false alarm.
    alarms = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        groups = np.arange(300) // 6
        y = generator.normal(size=300) + generator.normal(size=50)[groups]
        scores = {name: y + generator.normal(size=300) + generator.normal(size=50)[groups] for name in "abcde"}
        result = compare_models(scores, y, groups, n_resamples=600, alpha=0.1, seed=seed)
        alarms += max(s.tier or 0 for s in result.standings) > 1
    assert alarms <= 13  # 6 expected at most, 3 standard errors are 7


def test_ranks_rest_on_one_set_of_items_and_on_models_that_may_be_ranked() -> None:
    """A model with gaps has its luck on the items it scored; it may neither be ranked nor move the ranks of others."""
    random = np.random.default_rng(4)
    y = random.normal(size=240)
    groups = np.arange(240) // 4
    a, b = y + 0.4 * random.normal(size=240), y + 1.2 * random.normal(size=240)
    gaps = np.where(np.abs(y) > 1, b, np.nan)  # only easy items
    scores = {"a": a, "b": b, "gaps": gaps}
    found = {s.model: s for s in compare_models(scores, y, groups, ranked=("a", "b")).standings}
    assert found["gaps"].value > found["b"].value
    assert (found["gaps"].tier, found["gaps"].rank) == (None, None)
    assert math.isnan(found["gaps"].rank_low)
    alone = compare_models({"a": a, "b": b}, y, groups, n_resamples=1200)
    assert [(found[s.model].rank, found[s.model].rank_low, found[s.model].rank_high) for s in alone.standings] == [
        (1, 1.0, 1.0),
        (2, 2.0, 2.0),
    ]


@given(seed=st.integers(0, 10_000), lost=st.lists(st.integers(0, 119), max_size=60, unique=True))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_ranks_are_those_of_scipy_on_the_common_items(seed: int, lost: list[int]) -> None:
    random = np.random.default_rng(seed)
    y = random.normal(size=120)
    scores = {name: y + noise * random.normal(size=120) for name, noise in (("a", 0.5), ("b", 1.5), ("c", 3.0))}
    scores["b"][lost] = np.nan
    comparison = compare_models(scores, y, None, n_resamples=100)
    common = np.isfinite(scores["b"])
    by_scipy = {name: scipy.stats.spearmanr(score[common], y[common])[0] for name, score in scores.items()}
    order = sorted(by_scipy, key=lambda name: -by_scipy[name])
    assert {s.model: s.rank for s in comparison.standings} == {name: 1 + order.index(name) for name in order}
    assert comparison.n_common == int(common.sum())

"""Pairwise accuracy and calibrated ties, by loops and published examples."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from eliq_bench.stats import pair_accuracy as module
from eliq_bench.stats.kendall import pair_counts
from eliq_bench.stats.pair_accuracy import ScoredPairs, pair_agreement, scored_pairs

ORACLE = json.loads(
    (Path(__file__).resolve().parent.parent / "oracles/published_statistics.json").read_text()
)
reproducible = settings(deadline=None, derandomize=True, database=None)
rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from("abc")), min_size=1, max_size=25
)


def all_pairs(score: ArrayLike, label: ArrayLike) -> ScoredPairs:
    x, y = np.asarray(score, dtype=np.float64), np.asarray(label, dtype=np.float64)
    return scored_pairs(x, y, np.zeros(len(x), dtype=np.intp), np.zeros(len(x), dtype=np.intp))


def best_eps(score: ArrayLike, label: ArrayLike) -> tuple[float, float]:
    """The eps that is best on these very pairs, and the share of pairs it gets right."""
    pairs = all_pairs(score, label)
    eps = pairs.best_eps(np.ones(len(pairs.gap), dtype=bool))
    return eps, float(pairs.agree(eps).mean())


@reproducible
@given(rows)
def test_pair_accuracy_equals_a_loop(data: list[tuple[int, int, str]]) -> None:
    x, y, prompt = (list(column) for column in zip(*data, strict=True))
    for prompts in (prompt, ["all"] * len(x)):
        points, tied_label, tied_score = [], 0, 0
        for (x1, y1, p1), (x2, y2, p2) in itertools.combinations(data, 2):
            if prompts is prompt and p1 != p2:
                continue
            if y1 == y2:
                tied_label += 1
                continue
            tied_score += x1 == x2
            points.append(0.5 if x1 == x2 else float((x1 > x2) == (y1 > y2)))
        result = pair_agreement(x, y, prompts)
        counts = result.accuracy.n, result.n_tied_label, result.n_tied_score
        assert counts == (len(points), tied_label, tied_score)
        if points:
            assert result.accuracy.value == pytest.approx(np.mean(points), abs=1e-12)
        else:
            assert math.isnan(result.accuracy.value)
            assert result.accuracy.reason == ("no pair with different labels" if tied_label else "no pairs")


def test_perfect_reversed_and_constant_scores() -> None:
    y, prompt = np.arange(30.0) % 7, np.arange(30) % 4
    assert pair_agreement(y, y, prompt).accuracy.value == 1.0
    assert pair_agreement(-y, y, prompt).accuracy.value == 0.0
    assert pair_agreement(np.ones(30), y, prompt).accuracy.value == 0.5


def test_all_pairs_agree_with_kendalls_counts_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_PAIRS", 1000)
    x, y = np.random.default_rng(0).integers(0, 9, (2, 300)).astype(float)
    counts = pair_counts(x, y)
    result = pair_agreement(x, y, ["all"] * 300).accuracy
    expected = (counts.concordant + counts.tied_score / 2) / (
        counts.total - counts.tied_label - counts.tied_both
    )
    assert result.value == pytest.approx(expected, abs=1e-12)
    seen = [tuple(sorted(p)) for b in module.pair_blocks(np.arange(300) % 3) for p in zip(*b, strict=True)]
    assert len(seen) == len(set(seen)) == 3 * 100 * 99 // 2


def test_pairs_leave_incomplete_items_out() -> None:
    result = pair_agreement([1, 2, np.nan, np.inf], [1, 2, 3, 4], ["all"] * 4).accuracy
    assert (result.value, result.n, result.n_nan, result.n_inf) == (1.0, 1, 1, 1)


@pytest.mark.parametrize("example", ORACLE["acc_eq"], ids=lambda e: e["source"][:40])
def test_calibrated_ties_oracle(example: dict[str, object]) -> None:
    score, label, at = example["score"], example["label"], example["at"]
    assert isinstance(at, dict)
    pairs = all_pairs(score, label)  # type: ignore[arg-type]
    for eps, expected in at.items():
        assert pairs.agree(float(eps)).mean() == pytest.approx(expected, abs=1e-12)
    best = best_eps(score, label)  # type: ignore[arg-type]
    assert best == pytest.approx((example["best_eps"], example["best"]), abs=1e-12)


@reproducible
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=25))
def test_best_eps_is_the_best_of_all(data: list[tuple[int, int]]) -> None:
    x, y = (list(column) for column in zip(*data, strict=True))
    every = [all_pairs(x, y).agree(eps).mean() for eps in range(6)]
    eps, share = best_eps(x, y)
    assert eps == np.argmax(every)
    assert share == pytest.approx(max(every), abs=1e-12)


def test_eps_never_sees_the_pairs_it_is_counted_on() -> None:
    generator = np.random.default_rng(0)
    prompt = np.repeat(np.arange(40), 5)
    score = generator.normal(size=200)
    label = np.round(score + 0.5 * generator.normal(size=200))
    base = pair_agreement(score, label, prompt)
    assert len(base.eps) == 5
    spoiled = label.copy()
    spoiled[prompt % 5 == 2] = 0.0  # ties everywhere in one fold
    after = pair_agreement(score, spoiled, prompt)
    assert after.eps[2] == base.eps[2]
    assert after.eps[0] > base.eps[0]


@pytest.mark.parametrize("seed", range(3))
def test_cross_fit_over_all_pairs_equals_a_loop(seed: int) -> None:
    generator = np.random.default_rng(seed)
    groups = np.arange(35) % 7
    score = generator.integers(0, 12, 35).astype(float)
    label = np.round(score / 4 + generator.normal(size=35))
    fold = groups % 5
    agreed = total = 0
    for i, j in itertools.combinations(range(35), 2):
        keep = ~np.isin(fold, [fold[i], fold[j]])
        eps, _ = best_eps(score[keep], label[keep])
        gap, truth = score[i] - score[j], np.sign(label[i] - label[j])
        agreed += (0.0 if abs(gap) <= eps else np.sign(gap)) == truth
        total += 1
    result = pair_agreement(score, label, ["all"] * 35, groups)
    assert result.acc_eq.value == pytest.approx(agreed / total, abs=1e-12)
    assert result.acc_eq.n == total
    assert len(result.eps) == 15


def test_pair_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pair_agreement([1, 2], [1, 2], None).acc_eq.reason == "no prompt"
    assert pair_agreement([1, 2], [1, 2], [None, None]).accuracy.reason == "no prompt"
    with pytest.raises(ValueError, match="prompt is missing"):
        pair_agreement([1, 2], [1, 2], ["a", None])
    assert pair_agreement([1, 2], [1, 2], ["a", "b"]).acc_eq.reason == "no pairs"
    assert pair_agreement([], [], []).accuracy.reason == "no pairs"
    few = pair_agreement([1, 2, 3, 4], [1, 2, 3, 4], ["a", "a", "b", "b"])
    assert (few.accuracy.value, few.acc_eq.reason) == (1.0, "too few groups")
    lonely = pair_agreement([1, 2, 3, 4], [1, 2, 3, 4], ["a", "a", "b", "c"])
    assert lonely.acc_eq.reason == "no pairs to choose eps from"
    monkeypatch.setattr(module, "MAX_PAIRS", 5)
    many = pair_agreement(range(4), range(4), ["all"] * 4)
    assert many.accuracy.reason == many.acc_eq.reason == "more than 5 pairs"


def test_untied_pairs_of_the_imagereward_test_set(shared_data: Path) -> None:
    prompts = json.loads((shared_data / "labels" / "ImageReward" / "test.json").read_text())
    rank = -np.array([rank for prompt in prompts for rank in prompt["ranking"]], dtype=float)
    group = [prompt["id"] for prompt in prompts for _ in prompt["ranking"]]
    assert (len(prompts), len(rank)) == (466, 2720)
    best_first = pair_agreement(rank, rank, group).accuracy
    assert (best_first.n, best_first.value) == (6399, 1.0)  # statistics.md section 7
    assert pair_agreement(np.ones(2720), rank, group).accuracy.value == 0.5

"""Pair accuracy, preferences and calibrated ties, by loops and published examples."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eliq_bench.stats import pair_accuracy as module
from eliq_bench.stats import tie_calibration
from eliq_bench.stats.kendall import pair_counts
from eliq_bench.stats.pair_accuracy import pair_accuracy, preference_accuracy
from eliq_bench.stats.tie_calibration import acc_eq, acc_eq_at, acc_eq_insample

ORACLE = json.loads(
    (Path(__file__).resolve().parent.parent / "oracles/published_statistics.json").read_text()
)
reproducible = settings(deadline=None, derandomize=True, database=None)
rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from("abc")), min_size=1, max_size=25
)


@reproducible
@given(rows)
def test_pair_accuracy_equals_a_loop(data: list[tuple[int, int, str]]) -> None:
    x, y, prompt = (list(column) for column in zip(*data, strict=True))
    for prompts in (prompt, None):
        points, tied_label, tied_score = [], 0, 0
        for (x1, y1, p1), (x2, y2, p2) in itertools.combinations(data, 2):
            if prompts is not None and p1 != p2:
                continue
            if y1 == y2:
                tied_label += 1
                continue
            tied_score += x1 == x2
            points.append(0.5 if x1 == x2 else float((x1 > x2) == (y1 > y2)))
        result = pair_accuracy(x, y, prompts)
        assert (result.n, result.n_tied_label, result.n_tied_score) == (len(points), tied_label, tied_score)
        if points:
            assert result.value == pytest.approx(np.mean(points), abs=1e-12)
        else:
            assert math.isnan(result.value)
            assert result.reason == "no pair with different labels"


def test_perfect_reversed_and_constant_scores() -> None:
    y, prompt = np.arange(30.0) % 7, np.arange(30) % 4
    assert pair_accuracy(y, y, prompt).value == 1.0
    assert pair_accuracy(-y, y, prompt).value == 0.0
    assert pair_accuracy(np.ones(30), y, prompt).value == 0.5


def test_all_pairs_agree_with_kendalls_counts_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_PAIRS", 1000)
    x, y = np.random.default_rng(0).integers(0, 9, (2, 300)).astype(float)
    counts = pair_counts(x, y)
    result = pair_accuracy(x, y, None)
    expected = (counts.concordant + counts.tied_score / 2) / (
        counts.total - counts.tied_label - counts.tied_both
    )
    assert result.value == pytest.approx(expected, abs=1e-12)
    seen = [tuple(sorted(p)) for b in module.pair_blocks(np.arange(300) % 3) for p in zip(*b, strict=True)]
    assert len(seen) == len(set(seen)) == 3 * 100 * 99 // 2


def test_preferences_leave_tied_ranks_out_and_need_not_start_at_1() -> None:
    result = preference_accuracy([0.9, 0.8, 0.1, 0.5], [3, 7, 7, 9], ["a"] * 4)
    # 3 before 7, 7 and 9 are right; of 7, 7 against 9 one is right.
    assert (result.value, result.n, result.n_tied_label) == (4 / 5, 5, 1)
    with pytest.raises(ValueError, match="prompt is missing"):
        preference_accuracy([1, 2], [1, 2], ["a", None])


def test_pairs_leave_incomplete_items_out() -> None:
    result = pair_accuracy([1, 2, np.nan, np.inf], [1, 2, 3, 4], None)
    assert (result.value, result.n, result.n_nan, result.n_inf) == (1.0, 1, 1, 1)


@pytest.mark.parametrize("example", ORACLE["acc_eq"], ids=lambda e: e["source"][:40])
def test_calibrated_ties_oracle(example: dict[str, object]) -> None:
    score, label, at = example["score"], example["label"], example["at"]
    assert isinstance(at, dict)
    for eps, expected in at.items():
        assert acc_eq_at(score, label, None, float(eps)).value == pytest.approx(expected, abs=1e-12)  # type: ignore[arg-type]
    best = acc_eq_insample(score, label, None)  # type: ignore[arg-type]
    assert best.value == pytest.approx(example["best"], abs=1e-12)
    assert best.eps == pytest.approx((example["best_eps"],), abs=1e-12)


@reproducible
@given(rows)
def test_best_eps_is_the_best_of_all(data: list[tuple[int, int, str]]) -> None:
    x, y, prompt = (list(column) for column in zip(*data, strict=True))
    result = acc_eq_insample(x, y, prompt)
    if result.reason:
        assert result.reason == "no pairs"
        return
    every = [acc_eq_at(x, y, prompt, eps).value for eps in range(6)]
    assert result.value == pytest.approx(max(every), abs=1e-12)
    assert result.eps == (float(np.argmax(every)),)


def test_eps_never_sees_the_pairs_it_judges() -> None:
    generator = np.random.default_rng(0)
    prompt = np.repeat(np.arange(40), 5)
    score = generator.normal(size=200)
    label = np.round(score + 0.5 * generator.normal(size=200))
    base = acc_eq(score, label, prompt)
    assert len(base.eps) == 5
    spoiled = label.copy()
    spoiled[prompt % 5 == 2] = 0.0  # ties everywhere in one fold
    after = acc_eq(score, spoiled, prompt)
    assert after.eps[2] == base.eps[2]
    assert after.eps[0] > base.eps[0]
    assert acc_eq_insample(score, label, prompt).value >= base.value


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
        eps = acc_eq_insample(score[keep], label[keep], None).eps[0]
        gap, truth = score[i] - score[j], np.sign(label[i] - label[j])
        agreed += (0.0 if abs(gap) <= eps else np.sign(gap)) == truth
        total += 1
    result = acc_eq(score, label, None, groups)
    assert result.value == pytest.approx(agreed / total, abs=1e-12)
    assert result.n == total
    assert len(result.eps) == 15


def test_calibrated_tie_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    assert acc_eq([1, 2], [1, 2], ["a", "b"]).reason == "no pairs"
    assert acc_eq([1, 2, 3, 4], [1, 2, 3, 4], ["a", "a", "b", "b"]).reason == "too few groups"
    lonely = acc_eq([1, 2, 3, 4], [1, 2, 3, 4], ["a", "a", "b", "c"])
    assert lonely.reason == "no pairs to choose eps from"
    assert math.isnan(acc_eq_insample([1], [1], None).value)
    assert acc_eq_at([], [], None, 0.0).reason == "no pairs"
    with pytest.raises(ValueError, match="eps"):
        acc_eq_at([1, 2], [1, 2], None, -0.1)
    monkeypatch.setattr(tie_calibration, "MAX_PAIRS", 5)
    assert acc_eq(range(4), range(4), None).reason == "more than 5 pairs"


def test_untied_pairs_of_the_imagereward_test_set(shared_data: Path) -> None:
    prompts = json.loads((shared_data / "labels" / "ImageReward" / "test.json").read_text())
    rank = [rank for prompt in prompts for rank in prompt["ranking"]]
    group = [prompt["id"] for prompt in prompts for _ in prompt["ranking"]]
    assert (len(prompts), len(rank)) == (466, 2720)
    best_first = preference_accuracy(-np.array(rank, dtype=float), rank, group)
    assert (best_first.n, best_first.value) == (6399, 1.0)  # statistics.md section 7
    assert preference_accuracy(np.ones(2720), rank, group).value == 0.5

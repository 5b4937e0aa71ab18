"""Every value that statistics.md states for real predictions on AGIQA-3K."""

import csv
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from numpy.typing import NDArray

from eliq_bench.stats.bootstrap import bootstrap_srcc
from eliq_bench.stats.closed_form import meng_z, second_opinions, williams_t
from eliq_bench.stats.controls import generator_floor, noise_ceiling
from eliq_bench.stats.correlation import krcc, plcc, srcc
from eliq_bench.stats.many import compare_models
from eliq_bench.stats.mapping import map_in_folds, map_logistic, map_logistic_insample
from eliq_bench.stats.pair_accuracy import pair_agreement, scored_pairs
from eliq_bench.stats.paired import paired_bootstrap
from eliq_bench.stats.partial import cross_table
from eliq_bench.stats.resampling import resample_counts, srcc_replicates
from eliq_bench.stats.system import system_level
from eliq_bench.stats.within import best_of_prompt, within_generator, within_prompt

Floats = NDArray[np.float64]
ORACLES = Path(__file__).resolve().parent.parent / "oracles"
ORACLE: dict[str, Any] = json.loads((ORACLES / "agiqa3k_qbench.json").read_text())
MODELS = sorted(ORACLE["models"])
PINNED = (0.6410480287455772, 0.6866763884773004, 0.012386312129429616)
"""Interval and standard error of llava_v1.5 with seed 7, as first computed (numpy 2.4, aarch64)."""


class Agiqa(NamedTuple):
    scores: dict[str, Floats]
    labels: dict[str, Floats]
    label_std: dict[str, Floats]
    prompt: list[str]
    generator: dict[str, list[str]]


@pytest.fixture(scope="module")
def agiqa(shared_data: Path) -> Agiqa:
    with (shared_data / "agiqa3k" / "data.csv").open(newline="") as file:
        labels = list(csv.DictReader(file))
    with (shared_data / "predictions" / "qbench_agiqa3k.csv").open(newline="") as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    names = [row["name"] for row in labels]
    models = [column.removesuffix(".good") for column in rows[names[0]] if column.endswith(".good")]

    def column(name: str) -> Floats:
        return np.array([float(row[name]) for row in labels])

    def logit(name: str) -> Floats:
        return np.array([float(rows[image][name]) for image in names])

    return Agiqa(
        scores={model: logit(f"{model}.good") - logit(f"{model}.poor") for model in models},
        labels={"quality": column("mos_quality"), "alignment": column("mos_align")},
        label_std={"quality": column("std_quality"), "alignment": column("std_align")},
        prompt=[row["prompt"] for row in labels],
        generator={
            "setting": [re.sub(r"_\d+\.jpg$", "", name) for name in names],
            "family": [name.split("_")[0] for name in names],
        },
    )


def first_seen(groups: list[str]) -> NDArray[np.intp]:
    """Groups numbered in order of first appearance: their folds, the number modulo 5, are those of the oracle."""
    position = {name: index for index, name in enumerate(dict.fromkeys(groups))}
    return np.array([position[name] for name in groups], dtype=np.intp)


def test_data_are_the_ones_the_oracles_speak_of(agiqa: Agiqa) -> None:
    assert len(agiqa.labels["quality"]) == ORACLE["n"]
    assert len(set(agiqa.prompt)) == ORACLE["groups"]["prompt"]
    assert {k: len(set(v)) for k, v in agiqa.generator.items()} == {"setting": 10, "family": 6}
    assert len(agiqa.scores) == 15
    for model, values in ORACLE["models"].items():
        assert len(np.unique(agiqa.scores[model])) == values["different_scores"]


@pytest.mark.parametrize("model", MODELS)
def test_correlations(agiqa: Agiqa, model: str) -> None:
    score, label, expected = agiqa.scores[model], agiqa.labels["quality"], ORACLE["models"][model]
    for name, function in (("srcc", srcc), ("krcc", krcc), ("plcc", plcc)):
        result = function(score, label)
        assert result.value == pytest.approx(expected[name], abs=6e-7)
        assert (result.n, result.reason) == (2982, "")
    assert srcc(score, label).value == pytest.approx(scipy.stats.spearmanr(score, label)[0], abs=1e-14)
    assert krcc(score, label).value == pytest.approx(scipy.stats.kendalltau(score, label)[0], abs=1e-14)
    assert plcc(score, label).value == pytest.approx(scipy.stats.pearsonr(score, label)[0], abs=1e-14)


@pytest.mark.parametrize("model", MODELS)
def test_logistic_mapping(agiqa: Agiqa, model: str) -> None:
    score, label, expected = agiqa.scores[model], agiqa.labels["quality"], ORACLE["models"][model]
    insample = map_logistic_insample(score, label)
    assert insample.plcc.value == pytest.approx(expected["plcc_logistic4_insample"], abs=1e-6)
    crossed = map_in_folds(score, label, first_seen(agiqa.prompt) % 5)
    assert crossed.plcc.value == pytest.approx(expected["plcc_logistic4"], abs=6e-5)
    assert crossed.plcc.reason == ""
    # Our own folds differ, and with them the value, by no more than folds may.
    ours = map_logistic(score, label, agiqa.prompt)
    assert ours.plcc.value == pytest.approx(crossed.plcc.value, abs=5e-3)
    assert ours.spread < 2e-3


def test_logistic_fit_reaches_the_minimum_of_scipy(agiqa: Agiqa) -> None:
    def curve(x: Floats, b1: float, b2: float, b3: float, b4: float) -> Floats:
        return np.asarray(b2 + (b1 - b2) / (1 + np.exp(-(x - b3) / b4)))

    score, label = agiqa.scores["mplug_owl"], agiqa.labels["quality"]
    x, y = (score - score.mean()) / score.std(), (label - label.mean()) / label.std()
    best, _ = scipy.optimize.curve_fit(curve, x, y, p0=(y.max(), y.min(), 0, 1), ftol=1e-14, xtol=1e-14)
    theirs = np.sqrt(np.mean((curve(x, *best) - y) ** 2)) * label.std()
    assert map_logistic_insample(score, label).rmse.value == pytest.approx(theirs, rel=1e-7)


@pytest.mark.parametrize("model", MODELS)
def test_views(agiqa: Agiqa, model: str) -> None:
    score, label, expected = agiqa.scores[model], agiqa.labels["quality"], ORACLE["models"][model]
    setting = within_generator(score, label, agiqa.generator["setting"])
    assert (setting.mean, setting.fisher) == pytest.approx(expected["within_setting"], abs=6e-5)
    assert (setting.value, setting.n, setting.n_items) == (setting.fisher, 10, 2982)
    family = within_generator(score, label, agiqa.generator["family"])
    assert (family.mean, family.fisher) == pytest.approx(expected["within_family"], abs=6e-5)
    prompt = within_prompt(score, label, agiqa.prompt)
    assert prompt.value == pytest.approx(expected["within_prompt"], abs=6e-5)
    assert (prompt.n, prompt.n_small, prompt.n_constant) == (300, 0, 0)
    best = best_of_prompt(score, label, agiqa.prompt)
    assert best.value == pytest.approx(expected["best_of_prompt"], abs=6e-5)
    assert best.chance == pytest.approx(ORACLE["best_of_prompt_chance"], abs=6e-5)
    pairs = pair_agreement(score, label, agiqa.prompt).accuracy
    assert pairs.value == pytest.approx(expected["pair_accuracy"], abs=6e-7)
    assert pairs.n == ORACLE["within_prompt_pairs"]


@pytest.mark.parametrize("model", MODELS)
def test_system_level(agiqa: Agiqa, model: str) -> None:
    score, label = agiqa.scores[model], agiqa.labels["quality"]
    for kind, tau in zip(("setting", "family"), ORACLE["models"][model]["system_tau"], strict=True):
        result = system_level(score, label, agiqa.generator[kind], agiqa.prompt, n_resamples=200)
        assert result.tau.value == pytest.approx(tau, abs=6e-5)
        # Without ties tau is the surplus of right pairs.
        assert result.accuracy.value == pytest.approx((1 + result.tau.value) / 2, abs=1e-12)
        assert abs(result.soft.value - result.accuracy.value) < 0.05


@pytest.mark.parametrize("model", MODELS)
def test_discriminant_validity(agiqa: Agiqa, model: str) -> None:
    expected = ORACLE["models"][model]
    quality, alignment = cross_table({"score": agiqa.scores[model]}, agiqa.labels)
    assert quality.srcc.value == pytest.approx(expected["srcc"], abs=6e-7)
    assert alignment.srcc.value == pytest.approx(expected["srcc_align"], abs=6e-7)
    (given_alignment,), (given_quality,) = quality.partials, alignment.partials
    assert given_alignment.given == "alignment"
    assert given_alignment.statistic.value == pytest.approx(expected["quality_given_alignment"], abs=6e-5)
    assert given_quality.statistic.value == pytest.approx(expected["alignment_given_quality"], abs=6e-5)


def test_labels_alone(agiqa: Agiqa) -> None:
    quality, alignment = agiqa.labels["quality"], agiqa.labels["alignment"]
    assert srcc(quality, alignment).value == pytest.approx(ORACLE["quality_alignment_srcc"], abs=6e-4)
    for dimension, label in agiqa.labels.items():
        for kind, floors in ORACLE["floor"].items():
            floor = generator_floor(label, agiqa.generator[kind])
            assert floor.value == pytest.approx(floors[dimension], abs=6e-4)
        ceiling = noise_ceiling(label, agiqa.label_std[dimension], ORACLE["ceiling"]["raters"])
        assert ceiling.value == pytest.approx(ORACLE["ceiling"][dimension], abs=6e-4)


def test_bootstrap(agiqa: Agiqa) -> None:
    expected = ORACLE["bootstrap"]
    score, label = agiqa.scores[expected["model"]], agiqa.labels["quality"]
    tolerance = expected["relative_tolerance"]
    by_prompt = bootstrap_srcc(score, label, agiqa.prompt, n_resamples=4000)
    assert by_prompt.se == pytest.approx(expected["se_by_prompt"], rel=tolerance)
    assert (by_prompt.low, by_prompt.high) == pytest.approx(expected["interval"], abs=2.5e-3)
    assert (by_prompt.n_groups, by_prompt.reason) == (300, "")
    by_image = bootstrap_srcc(score, label, None, n_resamples=4000)
    assert by_image.se == pytest.approx(expected["se_by_image"], rel=tolerance)


def test_bootstrap_is_the_same_everywhere(agiqa: Agiqa) -> None:
    result = bootstrap_srcc(agiqa.scores["llava_v1.5"], agiqa.labels["quality"], agiqa.prompt, seed=7)
    assert (result.low, result.high, result.se) == pytest.approx(PINNED, abs=1e-9)


@pytest.mark.parametrize("model", ["internlm_xcomposer_vl", "llava_v1.5", "clip_vit_l14"])
def test_replicates_equal_a_scipy_loop(agiqa: Agiqa, model: str) -> None:
    score, label = agiqa.scores[model], agiqa.labels["quality"]
    names = sorted(set(agiqa.prompt))
    codes = np.array([names.index(prompt) for prompt in agiqa.prompt], dtype=np.intp)
    ours = srcc_replicates(score[None], label, codes, len(names), 25, seed=3)[:, 0]
    for replicate, counts in zip(ours, resample_counts(len(names), 25, seed=3), strict=True):
        drawn = np.repeat(np.arange(len(label)), counts[codes])
        theirs = scipy.stats.spearmanr(score[drawn], label[drawn])[0]
        assert replicate == pytest.approx(theirs, abs=1e-12)


def test_two_models(agiqa: Agiqa) -> None:
    expected, label = ORACLE["pair"], agiqa.labels["quality"]
    a, b = agiqa.scores[expected["a"]], agiqa.scores[expected["b"]]
    result = paired_bootstrap(a, b, label, agiqa.prompt, n_resamples=4000)
    assert result.difference == pytest.approx(expected["difference"], abs=6e-7)
    assert result.se == pytest.approx(expected["se"], rel=0.05)
    assert (result.low, result.high) == pytest.approx(expected["interval"], abs=2.5e-3)
    assert result.p == pytest.approx(2 / 4001)
    on_ranks = second_opinions(a, b, label)
    assert on_ranks.williams.statistic == pytest.approx(expected["williams_ranks"], abs=6e-5)
    assert on_ranks.meng.statistic == pytest.approx(expected["meng_ranks"], abs=6e-5)
    assert on_ranks.zou[:2] == pytest.approx(expected["zou_ranks"], abs=6e-5)
    raw = plcc(a, label).value, plcc(b, label).value, plcc(a, b).value, 2982
    assert williams_t(*raw).statistic == pytest.approx(expected["williams_raw"], abs=6e-5)
    assert meng_z(*raw).statistic == pytest.approx(expected["meng_raw"], abs=6e-5)


def test_many_models(agiqa: Agiqa) -> None:
    label = agiqa.labels["quality"]
    result = compare_models(agiqa.scores, label, agiqa.prompt, n_resamples=1000)
    assert len(result.pairs) == 105
    order = [standing.model for standing in result.standings]
    assert order[:3] == ["internlm_xcomposer_vl", "mplug_owl", "llava_v1.5"]
    pair = result.pair("llava_v1.5", "internlm_xcomposer_vl")
    alone = paired_bootstrap(agiqa.scores[pair.a], agiqa.scores[pair.b], label, agiqa.prompt, n_resamples=1000)
    assert (pair.difference, pair.low, pair.high, pair.se, pair.p) == (
        alone.difference,
        alone.low,
        alone.high,
        alone.se,
        alone.p,
    )
    for standing in result.standings:
        own = bootstrap_srcc(agiqa.scores[standing.model], label, agiqa.prompt, n_resamples=1000)
        assert (standing.value, standing.low, standing.high) == (own.value, own.low, own.high)
        assert standing.rank is not None
        assert standing.rank_low <= standing.rank <= standing.rank_high


def test_too_few_resamples_separate_nothing(agiqa: Agiqa) -> None:
    few = compare_models(agiqa.scores, agiqa.labels["quality"], agiqa.prompt, n_resamples=1000)
    # 2 / 1001 times 105 pairs is above 0.05: nothing can be separated, however different.
    assert {standing.tier for standing in few.standings} == {1}


@pytest.mark.slow
def test_enough_resamples_give_the_tiers(agiqa: Agiqa) -> None:
    label = agiqa.labels["quality"]
    enough = compare_models(agiqa.scores, label, agiqa.prompt)
    assert enough.n_resamples == 42_000
    tiers = {standing.model: standing.tier for standing in enough.standings}
    assert [m for m, tier in tiers.items() if tier == 1] == ["internlm_xcomposer_vl"]
    assert [m for m, tier in tiers.items() if tier == 2] == ["mplug_owl", "llava_v1.5"]
    assert max(filter(None, tiers.values())) == tiers["instructblip_t5"] == 7


def test_calibrated_ties(agiqa: Agiqa) -> None:
    # MOS hardly ever tie, so no eps helps, and the accuracy is that of plain pairs with ties lost.
    score, label = agiqa.scores["internlm_xcomposer_vl"], agiqa.labels["quality"]
    crossed = pair_agreement(score, label, agiqa.prompt)
    assert crossed.eps == (0.0,) * 5
    assert (crossed.acc_eq.n, crossed.n_tied_label) == (13344, 9)
    right = crossed.accuracy.value * 13335 - 0.5 * crossed.n_tied_score
    assert crossed.acc_eq.value == pytest.approx(right / 13344, abs=1e-3)
    # With opinions in whole points people tie often, and the eps of other prompts is not the best of these.
    score, whole = agiqa.scores["llava_v1.5"], np.round(label)
    crossed = pair_agreement(score, whole, agiqa.prompt)
    assert all(0.6 < eps < 0.7 for eps in crossed.eps)
    codes = first_seen(agiqa.prompt)
    pairs = scored_pairs(score, whole, codes, np.zeros_like(codes))
    insample = pairs.agree(pairs.best_eps(np.ones(len(pairs.gap), dtype=bool))).mean()
    assert insample - 0.01 < crossed.acc_eq.value < insample

"""Best of prompt, discriminant validity and noise ceiling."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from eliq_bench.stats.controls import noise_ceiling
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.partial import cross_table, partial_srcc
from eliq_bench.stats.within import best_of_prompt

reproducible = settings(deadline=None, derandomize=True, database=None)
rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from("abc")), max_size=30)


@reproducible
@given(rows)
def test_best_of_prompt_equals_a_loop(data: list[tuple[int, int, str]]) -> None:
    points, chances = [], []
    for name in sorted({row[2] for row in data}):
        part = [row for row in data if row[2] == name]
        if len(part) < 2:
            continue
        picks = [row for row in part if row[0] == max(r[0] for r in part)]
        best = max(row[1] for row in part)
        points.append(sum(row[1] == best for row in picks) / len(picks))
        chances.append(sum(row[1] == best for row in part) / len(part))
    x, y, g = (list(column) for column in zip(*data, strict=True)) if data else ([], [], [])
    result = best_of_prompt(x, y, g)
    assert result.n == len(points)
    if points:
        assert result.value == pytest.approx(np.mean(points), abs=1e-12)
        assert result.chance == pytest.approx(np.mean(chances), abs=1e-12)
    else:
        assert math.isnan(result.value)
        assert result.reason in ("no prompt with 2 images", "no prompt")


def test_best_of_prompt_shares_ties_and_leaves_single_images_out() -> None:
    result = best_of_prompt([1, 1, 1, 1, 5], [4, 3, 2, 1, 5], ["a"] * 4 + ["b"])
    assert result == (0.25, 1, "", 0.25, 1)
    assert best_of_prompt([1, 2], [1, 2], None).reason == "no prompt"
    assert best_of_prompt([1, np.nan], [1, 2], ["a", "a"]).reason == "no prompt with 2 images"
    with pytest.raises(ValueError, match="prompt is missing"):
        best_of_prompt([1, 2], [1, 2], ["a", None])


def test_partial_correlation_is_that_of_rank_residuals() -> None:
    generator = np.random.default_rng(0)
    x, y, z = np.round(generator.normal(size=(3, 80)) + generator.normal(size=80), 1)
    ranks = [scipy.stats.rankdata(v) for v in (x, y, z)]
    design = np.stack([np.ones(80), ranks[2]], axis=1)
    residuals = [r - design @ np.linalg.lstsq(design, r, rcond=None)[0] for r in ranks[:2]]
    expected = scipy.stats.pearsonr(*residuals)[0]
    assert partial_srcc(x, y, z).value == pytest.approx(expected, abs=1e-12)
    assert partial_srcc(y, x, z).value == pytest.approx(expected, abs=1e-12)
    assert partial_srcc(-x, y, z).value == pytest.approx(-expected, abs=1e-12)
    assert partial_srcc(np.exp(x), y, z**3).value == pytest.approx(expected, abs=1e-12)


def test_partial_edges() -> None:
    x = np.array([1.0, 3, 2, 5, 4])
    assert partial_srcc(x, x[::-1], x).reason == "explained completely by the third variable"
    assert partial_srcc(x, -x, x[::-1]).value == -1.0
    assert partial_srcc(np.ones(5), x, x[::-1]).reason == "constant score"
    assert partial_srcc(x, np.ones(5), x[::-1]).reason == "constant label"
    assert partial_srcc(x, x, np.ones(5)).reason == "constant third variable"
    assert partial_srcc([1, 2, 3], [1, 3, 2], [2, 1, 3]).reason == "too few"
    result = partial_srcc([*x, 1], [*x[::-1], 2], [1, 2, 5, 4, 3, np.nan])
    assert (result.n, result.n_nan, result.reason) == (5, 1, "")
    with pytest.raises(ValueError, match="score and label and given"):
        partial_srcc(x, x, x[1:])


def test_cross_table_shows_a_quality_metric_in_disguise() -> None:
    generator = np.random.default_rng(0)
    quality = generator.normal(size=500)
    alignment = 0.8 * quality + 0.6 * generator.normal(size=500)
    score = quality + 0.3 * generator.normal(size=500)
    scores, labels = {"alignment": score}, {"quality": quality, "alignment": alignment}
    on_quality, on_alignment = cross_table(scores, labels)
    assert (on_alignment.score, on_alignment.label) == ("alignment", "alignment")
    assert on_alignment.srcc == srcc(score, alignment)
    assert on_alignment.srcc.value > 0.6  # looks like an alignment metric
    assert abs(on_alignment.partials[0].statistic.value) < 0.1
    assert on_quality.partials[0].given == "alignment"
    assert on_quality.partials[0].statistic.value > 0.8
    assert cross_table(scores, {"quality": quality})[0].partials == ()


def test_ceiling_falls_with_the_noise_of_the_raters() -> None:
    label = np.random.default_rng(0).normal(size=1000)
    few, many = (noise_ceiling(label, 1.0, raters).value for raters in (5, 50))
    # Attenuation: Pearson 1 / (1 + 1/5), and a little less on ranks.
    assert few == pytest.approx(1 / 1.2, abs=0.03)
    assert many == pytest.approx(1 / 1.02, abs=0.01)
    assert noise_ceiling(20 * label, 20.0, 5).value == pytest.approx(few, abs=1e-9)
    per_item = noise_ceiling(label, np.ones(1000), np.full(1000, 5))
    assert per_item.value == few


def test_ceiling_edges() -> None:
    label = np.arange(10.0)
    assert noise_ceiling(label, None, 20).reason == "std unknown"
    assert noise_ceiling(label, 0.5, None).reason == "rater count unknown"
    assert noise_ceiling([1, 2], 0.5, 20).reason == "too few"
    assert noise_ceiling(np.ones(5), 0.5, 20).reason == "constant label"
    assert noise_ceiling(label, 0.0, 20).value == 1.0
    result = noise_ceiling(label, [*[0.5] * 9, np.nan], 20)
    assert (result.n, result.n_nan) == (9, 1)
    noisy = [noise_ceiling(label, 5.0, 5, seed=seed).value for seed in (1, 1, 2)]
    assert noisy[0] == noisy[1] != noisy[2]
    with pytest.raises(ValueError, match="must not be negative"):
        noise_ceiling(label, -0.5, 20)
    with pytest.raises(ValueError, match="at least 1 draw"):
        noise_ceiling(label, 0.5, 20, n_draws=0)

"""Agreement after mapping: direction, cross-fitting, fallback, refusals."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from eliq_bench.stats import mapping
from eliq_bench.stats.correlation import plcc, srcc
from eliq_bench.stats.mapping import map_in_folds, map_logistic, map_logistic_insample

Floats = NDArray[np.float64]


def saturated(n: int = 600, seed: int = 0, noise: float = 0.3) -> tuple[Floats, Floats, NDArray[np.intp]]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=n)
    y = 3 + np.tanh(2 * x) + noise * generator.normal(size=n)
    return x, y, np.arange(n) // 6


def test_mapping_helps_a_saturated_score_and_keeps_its_sign() -> None:
    x, y, groups = saturated()
    mapped = map_logistic(x, y, groups)
    assert mapped.plcc.value > plcc(x, y).value + 0.02
    assert (mapped.plcc.n, mapped.plcc.reason) == (600, "")
    assert mapped.rmse.value == pytest.approx(0.3, rel=0.1)
    reversed_score = map_logistic(-x, y, groups)
    assert reversed_score.plcc.value == pytest.approx(-mapped.plcc.value, abs=1e-12)
    assert math.isnan(reversed_score.rmse.value)
    assert reversed_score.rmse.reason == "wrong direction"


def test_exact_curve_gives_more_than_0_9999() -> None:
    x = np.linspace(-4, 4, 400)
    y = 1 + 3 / (1 + np.exp(-(x - 0.5) / 0.7))
    assert map_logistic(x, y, np.arange(400) // 4).plcc.value > 0.9999
    insample = map_logistic_insample(x, y)
    assert insample.plcc.value > 0.9999999
    assert insample.rmse.value < 1e-6


def test_noise_stays_near_zero_when_cross_fitted() -> None:
    generator = np.random.default_rng(0)
    pairs = generator.normal(size=(6, 2, 200))
    crossed = [map_logistic(x, y, None).plcc.value for x, y in pairs]
    assert np.mean(np.abs(crossed)) < 0.1
    flattered = [map_logistic_insample(x, y).plcc.value for x, y in pairs]
    assert np.nanmean(np.abs(flattered)) > np.mean(np.abs(crossed)) + 0.02


def test_every_item_is_mapped_by_a_fit_that_did_not_see_its_group() -> None:
    x, y, groups = saturated()
    before = map_logistic(x, y, groups)
    spoiled = y.copy()
    spoiled[groups == 0] += 2.0  # group 0 and all of its fold are judged by curves that never see it
    after = map_logistic(x, spoiled, groups)
    own = groups == 0
    assert np.allclose(before.mapped[own], after.mapped[own], atol=1e-9)
    assert not np.allclose(before.mapped[~own], after.mapped[~own], atol=1e-4)
    folds = groups % 5
    one, other = (map_in_folds(x, labels, folds).mapped for labels in (y, spoiled))
    assert np.allclose(one[folds == 0], other[folds == 0], atol=1e-9)
    assert not np.allclose(one[folds > 0], other[folds > 0], atol=1e-4)


def test_the_mean_of_divisions_tells_their_spread() -> None:
    """It lies as near to the mean of very many divisions as its own spread says."""
    x, y, groups = saturated(n=300, noise=1.0)
    ours = map_logistic(x, y, groups)
    random = np.random.default_rng(99)
    others = [map_in_folds(x, y, random.permutation(50)[groups] % 5).plcc.value for _ in range(40)]
    assert ours.spread == pytest.approx(np.std(others, ddof=1), rel=1.0)
    assert abs(ours.plcc.value - np.mean(others)) < 4 * ours.spread / math.sqrt(5)
    assert ours.spread > 1e-4
    assert math.isnan(map_logistic_insample(x, y).spread)


def test_models_with_gaps_share_the_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[NDArray[np.intp]] = []
    real = mapping._map_folds

    def watched(x: Floats, y: Floats, divisions: Sequence[NDArray[np.intp]]) -> tuple[Floats, str]:
        seen.extend(divisions)
        return real(x, y, divisions)

    monkeypatch.setattr(mapping, "_map_folds", watched)
    x, y, groups = saturated()
    map_logistic(x, y, groups)
    x[groups < 2] = np.nan  # two groups lose all their items
    map_logistic(x, y, groups)
    whole, gaps = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    for one, other in zip(whole, gaps, strict=True):
        assert one[groups >= 2].tolist() == other.tolist()


def test_scale_of_labels_and_scores_changes_nothing_but_the_error() -> None:
    x, y, groups = saturated()
    base, larger = map_logistic(x, y, groups), map_logistic(x, 20 * y, groups)
    assert larger.plcc.value == pytest.approx(base.plcc.value, abs=1e-9)
    assert larger.rmse.value == pytest.approx(20 * base.rmse.value, rel=1e-9)
    moved = map_logistic(1000 + 7 * x, y, groups)
    assert moved.plcc.value == pytest.approx(base.plcc.value, abs=1e-9)


def test_order_of_items_changes_nothing() -> None:
    x, y, groups = saturated()
    order = np.random.default_rng(3).permutation(600)
    base, turned = map_logistic(x, y, groups), map_logistic(x[order], y[order], groups[order])
    assert turned.plcc == base.plcc
    assert turned.mapped.tolist() == base.mapped[order].tolist()
    alone = map_logistic(x, y, None).plcc
    assert map_logistic(x[order], y[order], None).plcc == alone


def test_missing_values_are_left_out_counted_and_stay_unmapped() -> None:
    x, y, groups = saturated()
    base = map_logistic(x, y, groups)
    result = map_logistic([*x, np.nan, np.inf], [*y, 1, 1], [*groups, 3, 4])
    assert result.plcc == base.plcc._replace(n_nan=1, n_inf=1)
    assert np.isnan(result.mapped[-2:]).all()
    assert np.isfinite(result.mapped[:-2]).all()


@pytest.mark.parametrize(
    ("score", "label", "groups", "reason"),
    [
        (np.arange(49.0), np.arange(49.0), np.arange(49), "too few for logistic fit"),
        (np.ones(60), np.arange(60.0), np.arange(60), "constant score"),
        (np.arange(60.0), np.ones(60), np.arange(60), "constant label"),
        (np.arange(60.0), np.arange(60.0), np.zeros(60, dtype=int), "too few groups"),
        ([], [], [], "too few for logistic fit"),
    ],
)
def test_undefined(score: Floats, label: Floats, groups: NDArray[np.intp], reason: str) -> None:
    result = map_logistic(score, label, groups)
    assert (result.plcc.reason, result.rmse.reason) == (reason, reason)
    assert math.isnan(result.plcc.value)
    assert np.isnan(result.mapped).all()
    assert len(result.mapped) == len(score)


def test_fewer_groups_than_folds_still_work() -> None:
    x, y, _ = saturated()
    assert map_logistic(x, y, np.arange(600) % 2).plcc.value > 0.9


def test_without_a_converged_start_a_line_is_fitted_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "fit_logistic4", lambda sets: [None] * len(sets))
    x, y, groups = saturated()
    result = map_logistic(x, y, groups)
    assert result.plcc.reason == result.rmse.reason == "linear fit in 25 of 25 folds"
    assert result.plcc.value == pytest.approx(plcc(x, y).value, abs=5e-3)


def test_the_line_too_can_only_increase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "fit_logistic4", lambda sets: [None] * len(sets))
    # Ranks agree, but one item far out turns the least-squares line of every fold that sees it.
    x = np.append(np.arange(100.0), [5000.0] * 6)
    y = np.append(np.arange(100.0), [-400.0] * 6)
    folds = np.arange(106) // 10 % 5
    result = map_in_folds(x, y, folds)
    assert result.rmse.reason != "wrong direction"
    for fold in range(5):
        mapped = result.mapped[folds == fold]
        assert (np.diff(mapped[np.argsort(x[folds == fold])]) >= 0).all()


def test_ranks_are_those_before_mapping() -> None:
    x, y, _ = saturated()
    mapped = map_logistic_insample(x, y).mapped
    assert srcc(mapped, y).value == pytest.approx(srcc(x, y).value, abs=1e-12)


def test_wrong_calls() -> None:
    x, y, groups = saturated()
    with pytest.raises(ValueError, match="group is missing"):
        map_logistic(x, y, [None, *groups[1:]])
    with pytest.raises(ValueError, match=r"\(600,\) and \(599,\)"):
        map_logistic(x, y[1:], groups)

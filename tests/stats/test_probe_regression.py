"""Out-of-fold ridge: against scikit-learn step by step, on perfect features, on noise, and over groups."""

import numpy as np
import pytest
from numpy.typing import NDArray

from eliq_bench.stats.bootstrap import bootstrap_srcc
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.ridge import STRENGTHS, group_folds, out_of_fold, ridge_path

Floats = NDArray[np.float64]


def material(n: int, width: int, seed: int = 0) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Features of different scales, one of them constant, a label that follows some of them, groups of unequal size."""
    random = np.random.default_rng(seed)
    groups = random.integers(0, n // 4, n)
    features = random.normal(size=(n, width)) * random.uniform(0.1, 30, width) + random.normal(size=width)
    features[:, 1] = 7.0
    label = features[:, 0] / features[:, 0].std() + 0.5 * random.normal(size=n)
    return features, label, groups


@pytest.mark.parametrize(("n", "width"), [(90, 6), (60, 140)])
def test_predictions_equal_a_brute_force_search_with_scikit_learn(n: int, width: int) -> None:
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV, PredefinedSplit
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, label, groups = material(n, width)
    made = out_of_fold(features, label, groups, seed=3)
    for number, strength in enumerate(made.strengths):
        rest, held = made.fold != number, made.fold == number
        codes = np.unique(groups[rest], return_inverse=True)[1]
        inner = PredefinedSplit(group_folds(codes, 5, [3, number]))
        search = GridSearchCV(
            make_pipeline(StandardScaler(), Ridge()),
            {"ridge__alpha": STRENGTHS},
            scoring=lambda model, x, y: -float(((model.predict(x) - y) ** 2).sum()),
            cv=inner,
        ).fit(features[rest], label[rest])
        assert search.best_params_["ridge__alpha"] == strength
        expected = search.predict(features[held]) - search.predict(features.mean(axis=0)[None])
        np.testing.assert_allclose(made.predicted[held], expected, atol=1e-8)


@pytest.mark.parametrize("width", [5, 80])
def test_every_strength_equals_scikit_learn(width: int) -> None:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, label, _ = material(40, width)
    found = ridge_path(features[:30], label[:30], features[30:], STRENGTHS)
    for row, strength in zip(found, STRENGTHS, strict=True):
        model = make_pipeline(StandardScaler(), Ridge(alpha=strength)).fit(features[:30], label[:30])
        np.testing.assert_allclose(row, model.predict(features[30:]), atol=1e-8)


def test_a_feature_that_is_the_label_ranks_perfectly() -> None:
    label = np.random.default_rng(1).normal(3.0, 1.0, 300)
    made = out_of_fold(label[:, None], label, np.arange(300) // 3)
    assert srcc(made.predicted, label).value > 0.9999


def test_noise_ranks_neither_forwards_nor_backwards() -> None:
    """A plain out-of-fold prediction lies at -0.10 on average here, far outside the interval of the mean."""
    values = []
    for seed in range(24):
        random = np.random.default_rng(seed)
        features, label, groups = random.normal(size=(200, 300)), random.normal(size=200), np.arange(200) // 4
        made = out_of_fold(features, label, groups, seed=seed)
        values.append(srcc(made.predicted, label).value)
    assert abs(np.mean(values)) < 0.05
    one = bootstrap_srcc(made.predicted, label, groups)
    assert one.low < 0 < one.high


def test_no_group_straddles_folds_and_every_item_is_held_out_once() -> None:
    features, label, groups = material(120, 4)
    made = out_of_fold(features, label, groups)
    assert set(made.fold.tolist()) == set(range(5))
    assert all(len(set(made.fold[groups == group].tolist())) == 1 for group in set(groups.tolist()))
    assert np.isfinite(made.predicted).all()


def test_labels_of_the_own_group_do_not_reach_a_prediction() -> None:
    features, label, groups = material(120, 4)
    before = out_of_fold(features, label, groups)
    own = groups == groups[0]
    after = out_of_fold(features, np.where(own, label + 100.0, label), groups)
    assert (before.predicted[own] == after.predicted[own]).all()
    others = before.fold != before.fold[0]
    assert (before.predicted[others] != after.predicted[others]).any()


def test_folds_depend_on_the_seed_and_not_on_the_order_of_items() -> None:
    features, label, groups = material(120, 4)
    order = np.random.default_rng(5).permutation(120)
    one = out_of_fold(features, label, groups)
    shuffled = out_of_fold(features[order], label[order], groups[order])
    assert (shuffled.fold == one.fold[order]).all()
    np.testing.assert_allclose(shuffled.predicted, one.predicted[order], atol=1e-9)
    assert (out_of_fold(features, label, groups, seed=1).fold != one.fold).any()


def test_items_without_features_or_label_take_no_part() -> None:
    features, label, groups = material(120, 4)
    features[3, 2], label[8] = np.nan, np.nan
    made = out_of_fold(features, label, groups)
    lost = np.array([3, 8])
    assert np.isnan(made.predicted[lost]).all()
    assert (made.fold[lost] == -1).all()
    kept = np.delete(np.arange(120), lost)
    assert (made.predicted[kept] == out_of_fold(features[kept], label[kept], groups[kept]).predicted).all()


def test_what_cannot_be_fitted_has_a_reason() -> None:
    features, label, groups = material(120, 4)
    assert out_of_fold(features, label, np.arange(120) % 9).reason == "too few groups"
    assert out_of_fold(features, np.ones(120), groups).reason == "constant label"
    assert np.isnan(out_of_fold(features, np.full(120, np.nan), groups).predicted).all()
    with pytest.raises(ValueError, match="features must be"):
        out_of_fold(features[:, 0], label, groups)

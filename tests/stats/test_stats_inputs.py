"""What the checks let through, count, and refuse."""

import numpy as np
import pytest

from eliq_bench.stats.inputs import coded, coded_column, complete, complete_rated, kept_groups, vector


def test_rows_with_nan_or_infinity_are_dropped_and_counted_apart() -> None:
    rows = complete(score=[1, np.nan, 3, np.inf, np.nan], label=[1, 2, 3, 4, np.inf])
    assert rows.values[0].tolist() == [1, 3]
    assert rows.values[1].tolist() == [1, 3]
    assert (rows.n, rows.n_nan, rows.n_inf) == (2, 2, 1)


@pytest.mark.parametrize(
    ("score", "label", "shapes"),
    [([1, 2], [1, 2, 3], r"\(2,\) and \(3,\)"), ([[1, 2]], [[1, 2]], r"\(1, 2\)"), (1.0, 2.0, r"\(\)")],
)
def test_wrong_shapes_are_named(score: object, label: object, shapes: str) -> None:
    with pytest.raises(ValueError, match=f"score and label .*{shapes}"):
        complete(score=score, label=label)  # type: ignore[arg-type]


def test_vector_names_the_argument() -> None:
    with pytest.raises(ValueError, match=r"scores of niqe .* \(2, 1\)"):
        vector([[1.0], [2.0]], "scores of niqe")


def test_codes_follow_the_sorted_names_whatever_the_container() -> None:
    for groups in (["b", "a", "b"], ("b", "a", "b"), np.array(["b", "a", "b"])):
        result = coded(groups, 3)
        assert result.codes.tolist() == [1, 0, 1]
        assert result.names == ("a", "b")
        assert result.sizes.tolist() == [1, 2]
    assert coded(np.array([30, 10, 30]), 3).codes.tolist() == [1, 0, 1]
    assert coded([30, 10, 30], 3).names == (10, 30)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a", None, "b"], "prompt is missing for 1 of 3 items"),
        ([1.0, np.nan, np.nan], "prompt is missing for 2 of 3 items"),
        (["a", "b"], "got 2 for 3 items"),
        (["a", 1, "b"], "mixes types"),
    ],
)
def test_bad_groups_are_refused(groups: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        coded(groups, 3, "prompt")


def test_groups_that_lose_their_items_disappear() -> None:
    kept = coded(["a", "b", "c"], 3).take(np.array([True, False, True]))
    assert kept.codes.tolist() == [0, 1]
    assert kept.names == ("a", "c")


def test_a_column_is_absent_only_if_it_is_absent_for_all() -> None:
    assert coded_column(None, 2, "prompt") is None
    assert coded_column([None, None], 2, "prompt") is None
    with pytest.raises(ValueError, match="prompt is missing for 1 of 2"):
        coded_column(["a", None], 2, "prompt")
    with pytest.raises(ValueError, match="got 1 for 2"):
        coded_column([None], 2, "prompt")


def test_items_are_numbered_by_value_so_their_order_does_not_matter() -> None:
    score, label = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 2.0])
    turned = [2, 0, 1]
    codes = kept_groups(None, complete(score=score, label=label)).codes
    other = kept_groups(None, complete(score=score[turned], label=label[turned])).codes
    assert codes[turned].tolist() == other.tolist()
    assert sorted(codes) == [0, 1, 2]


def test_rating_noise() -> None:
    rows = complete_rated(0.5, [10, 20], label=[1.0, 2.0])
    assert not isinstance(rows, str)
    assert [column.tolist() for column in rows.values] == [[1, 2], [0.5, 0.5], [10, 20]]
    assert complete_rated(None, 20, label=[1.0]) == "std unknown"
    assert complete_rated([0.5], None, label=[1.0]) == "rater count unknown"
    for std, raters in ((-1.0, 10), (1.0, 0)):
        with pytest.raises(ValueError, match="must not be negative"):
            complete_rated(std, raters, label=[1.0, 2.0])

"""Average ranks against scipy.stats.rankdata."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from eliq_bench.stats.correlation import doubled_ranks, grouped_doubled_ranks, ties

reproducible = settings(deadline=None, derandomize=True, database=None)
values = st.lists(st.one_of(st.integers(-3, 3), st.floats(-1e300, 1e300)), min_size=1, max_size=60)


@reproducible
@given(values)
def test_ranks_are_those_of_scipy(x: list[float]) -> None:
    array = np.array(x, dtype=np.float64)
    assert (doubled_ranks(array) / 2).tolist() == rankdata(array).tolist()
    assert doubled_ranks(array).sum() == len(x) * (len(x) + 1)


@reproducible
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=60))
def test_ranks_inside_groups_are_those_of_each_group_alone(rows: list[tuple[int, int]]) -> None:
    x = np.array([row[0] for row in rows], dtype=np.float64)
    codes = np.unique([row[1] for row in rows], return_inverse=True)[1].astype(np.intp)
    ours = grouped_doubled_ranks(x, codes)
    for group in range(codes.max() + 1):
        assert ours[codes == group].tolist() == (2 * rankdata(x[codes == group])).tolist()


def test_ties_of_nothing_and_of_one_value() -> None:
    assert ties(np.empty(0)).sizes.tolist() == []
    assert ties(np.array([2.0, 2.0, 2.0])).sizes.tolist() == [3]
    assert doubled_ranks(np.empty(0)).tolist() == []
    assert doubled_ranks(np.array([-0.0, 0.0])).tolist() == [3, 3]

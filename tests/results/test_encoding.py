"""Packed arrays: exact, small, and refused when damaged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eliq_bench.results.encoding import pack_codes, pack_floats, unpack_codes, unpack_floats


@given(arrays(np.float64, st.integers(0, 50), elements=st.floats(allow_infinity=False)))
def test_floats_come_back_to_the_last_bit(values: np.ndarray) -> None:
    np.testing.assert_array_equal(unpack_floats(pack_floats(values)), values)


@given(arrays(np.float32, st.integers(0, 50), elements=st.floats(width=32, allow_infinity=False)))
def test_single_precision_takes_four_bytes(values: np.ndarray) -> None:
    text = pack_floats(values.astype(np.float64))
    assert text.startswith("f4 ")
    np.testing.assert_array_equal(unpack_floats(text), values.astype(np.float64))


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_codes_come_back(codes: list[int]) -> None:
    assert unpack_codes(pack_codes(codes)).tolist() == codes


def test_a_value_too_large_for_single_precision_stays_double() -> None:
    assert unpack_floats(pack_floats(np.array([1e300, 0.1]))).tolist() == [1e300, 0.1]


@pytest.mark.parametrize("text", ["", "f8", "f8 ????", "f8 AAAA", "u1 eJwDAAAAAAE="])
def test_damage_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="packed values"):
        unpack_floats(text)

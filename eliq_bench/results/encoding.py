"""Arrays as short texts for JSON: exact, the same from the same values, and small.

A text is the element type and the base64 of the deflated little-endian bytes, as in `f8 eJxj...`. Values that
float32 holds exactly take four bytes; nothing is ever rounded, so that statistics computed from a board equal
those of the run to the last digit.
"""

import base64
import zlib
from collections.abc import Sequence

import numpy as np

from eliq_bench.stats.statistic import Floats, Integers

_LEVEL = 9


def pack_floats(values: Floats) -> str:
    """Text of float64 values (n,), NaN included.

    >>> unpack_floats(pack_floats(np.array([0.1, np.nan]))).tolist()
    [0.1, nan]
    """
    with np.errstate(over="ignore"):
        single = values.astype("<f4")
    exact = np.array_equal(single.astype(np.float64), values, equal_nan=True)
    return _pack("f4", single) if exact else _pack("f8", values.astype("<f8"))


def unpack_floats(text: str) -> Floats:
    """The values (n,) that `pack_floats` was given.

    Raises:
        ValueError: the text is damaged.
    """
    return _unpack(text, ("f4", "f8")).astype(np.float64)


def pack_codes(codes: Sequence[int] | Integers) -> str:
    """Text of whole numbers from 0 to 4 thousand million, in the smallest type that holds them.

    >>> unpack_codes(pack_codes([0, 1, 300])).tolist()
    [0, 1, 300]
    """
    array = np.asarray(codes, dtype=np.int64)
    largest = int(array.max(initial=0))
    kind = "u1" if largest < 1 << 8 else "u2" if largest < 1 << 16 else "u4"
    return _pack(kind, array.astype(f"<{kind}"))


def unpack_codes(text: str) -> Integers:
    """The numbers (n,) that `pack_codes` was given.

    Raises:
        ValueError: the text is damaged.
    """
    return _unpack(text, ("u1", "u2", "u4")).astype(np.intp)


def _pack(kind: str, array: np.ndarray) -> str:
    return f"{kind} {base64.b64encode(zlib.compress(array.tobytes(), _LEVEL)).decode()}"


def _unpack(text: str, kinds: tuple[str, ...]) -> np.ndarray:
    kind, _, data = text.partition(" ")
    if kind not in kinds:
        raise ValueError(f"packed values of type {kind!r} where one of {', '.join(kinds)} is expected")
    try:
        return np.frombuffer(zlib.decompress(base64.b64decode(data, validate=True)), dtype=f"<{kind}")
    except (ValueError, zlib.error) as error:
        raise ValueError(f"packed values are damaged: {error}") from error

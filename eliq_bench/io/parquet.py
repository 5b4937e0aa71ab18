"""Arrow columns made from buffers, since every other way makes pyarrow import pandas, which takes a second."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike


def floats(values: ArrayLike) -> pa.Array:
    """Float64 column (n,); NaN becomes null."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    return pa.Array.from_buffers(pa.float64(), len(array), [_valid(~np.isnan(array)), pa.py_buffer(array)])


def integers(values: ArrayLike) -> pa.Array:
    """Int64 column (n,)."""
    array = np.ascontiguousarray(values, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(array), [None, pa.py_buffer(array)])


def texts(values: Sequence[str | None]) -> pa.Array:
    """Column of texts (n,), None as null; of type large_string, so that its size has no limit."""
    data = [b"" if value is None else value.encode() for value in values]
    ends = np.cumsum([0, *map(len, data)], dtype=np.int64)
    buffers = [
        _valid(np.array([value is not None for value in values], dtype=bool)),
        pa.py_buffer(ends),
        pa.py_buffer(b"".join(data)),
    ]
    return pa.Array.from_buffers(pa.large_string(), len(data), buffers)


def read(path: Path) -> pq.ParquetFile:
    """A file opened to be read; pyarrow itself takes only paths in UTF-8."""
    return pq.ParquetFile(pa.OSFile(os.fsencode(path)))


def write(content: pa.Table, path: Path) -> None:
    """A table as a file, compressed."""
    with pa.OSFile(os.fsencode(path), "wb") as sink:
        pq.write_table(content, sink, compression="zstd")


def table(columns: dict[str, pa.Array]) -> pa.Table:
    """A table of columns of equal length."""
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def _valid(mask: np.ndarray) -> pa.Buffer | None:
    """Arrow's bitmap of the entries that are not null, None where all are there."""
    return None if mask.all() else pa.py_buffer(np.packbits(mask, bitorder="little"))

"""`judged.parquet` of a run folder: which item should score above which; only where a dataset is made from pairs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eliq_bench.errors import InputError
from eliq_bench.report import arrow
from eliq_bench.types import ItemTable, JudgedPair

JUDGED_FILE = "judged.parquet"


def write_judged(tables: Sequence[ItemTable], path: Path) -> None:
    """Write the pairs of all datasets; positions are those of the column `item` of `items.parquet`."""
    parts = []
    for table in tables:
        if table.pairs:
            columns: dict[str, pa.Array] = {"dataset": arrow.texts([table.dataset] * len(table.pairs))}
            for name, kind in JudgedPair.__annotations__.items():
                cells: list[Any] = [getattr(pair, name) for pair in table.pairs]
                columns[name] = arrow.texts(cells) if kind is str else arrow.integers(cells)
            parts.append(arrow.table(columns))
    pq.write_table(pa.concat_tables(parts), path, compression="zstd")


def with_pairs(tables: Sequence[ItemTable], folder: Path) -> list[ItemTable]:
    """The tables of a run with the pairs that its folder holds.

    Raises:
        InputError: the file is damaged, or names items that the tables do not have.
    """
    path = folder / JUDGED_FILE
    if not path.exists():
        return list(tables)
    try:
        rows = pq.ParquetFile(path).read().to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read ({error}); run again into another --out.") from error
    pairs: dict[str, list[JudgedPair]] = {table.dataset: [] for table in tables}
    kinds = JudgedPair.__annotations__
    for row in rows:
        cells = {name: kind(row[name]) for name, kind in kinds.items()}
        pairs.setdefault(row["dataset"], []).append(JudgedPair(**cells))
    found = [replace(table, pairs=tuple(pairs[table.dataset])) for table in tables]
    for table in found:
        if any(max(pair.positive, pair.negative) >= len(table.items) for pair in table.pairs):
            raise InputError(
                f"{folder} mixes files of different runs ({JUDGED_FILE}: {table.dataset}); run again."
            )
    return found

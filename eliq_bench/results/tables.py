"""The two tidy tables of a run folder: items with their labels, and one row per item, model and dimension."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from eliq_bench.errors import InputError
from eliq_bench.io import parquet
from eliq_bench.types import Items, ItemTable, KnownPair, ScoreColumn

ITEMS_FILE = "items.parquet"
SCORES_FILE = "scores.parquet"


def write_items(tables: list[ItemTable], path: Path) -> None:
    """Write `items.parquet`: identity and labels (higher is better) of every item of the run."""
    dimensions = sorted({dimension for table in tables for dimension in table.items.labels})
    parts = []
    for table in tables:
        items = table.items
        nothing = np.full(len(items), np.nan)
        columns = {
            "dataset": parquet.texts([table.dataset] * len(items)),
            "item": parquet.integers(np.arange(len(items))),
            "image": parquet.texts(items.name),
            "sha256": parquet.texts(table.sha256),
            "prompt": parquet.texts(items.prompt),
            "generator": parquet.texts(items.generator),
            "generator_family": parquet.texts(items.generator_family),
            "group": parquet.texts(items.group),
        }
        for dimension in dimensions:
            columns[f"label_{dimension}"] = parquet.floats(items.labels.get(dimension, nothing))
            columns[f"std_{dimension}"] = parquet.floats(items.label_std.get(dimension, nothing))
            columns[f"raters_{dimension}"] = parquet.floats(items.label_n.get(dimension, nothing))
        parts.append(parquet.table(columns))
    parquet.write(pa.concat_tables(parts), path)


def read_items(path: Path) -> list[ItemTable]:
    """The tables that `write_items` wrote, in the same order.

    Raises:
        InputError: the file is missing or damaged.
    """
    columns = _read(path, _ITEM_COLUMNS)
    return [
        ItemTable(dataset, _items(part), tuple(part["sha256"]))
        for (dataset,), part in _split(columns, ("dataset",)).items()
    ]


def _items(part: dict[str, list[Any]]) -> Items:
    def numbers(prefix: str) -> dict[str, NDArray[np.float64]]:
        names = [name for name in part if name.startswith(prefix)]
        columns = {name.removeprefix(prefix): _floats(part[name]) for name in names}
        return {key: values for key, values in columns.items() if np.isfinite(values).any()}

    return Items(
        name=tuple(part["image"]),
        image=(None,) * len(part["image"]),
        prompt=tuple(part["prompt"]),
        generator=tuple(part["generator"]),
        generator_family=tuple(part["generator_family"]),
        group=tuple(part["group"]),
        labels=numbers("label_"),
        label_std=numbers("std_"),
        label_n=numbers("raters_"),
    )


def write_scores(columns: list[ScoreColumn], tables: list[ItemTable], path: Path) -> None:
    """Write `scores.parquet`: one row per dataset, item, model and dimension."""
    known = {table.dataset: table for table in tables}
    parts = []
    for column in columns:
        table = known[column.dataset]
        n = len(table.items)
        part = {
            "dataset": parquet.texts([column.dataset] * n),
            "item": parquet.integers(np.arange(n)),
            "image": parquet.texts(table.items.name),
            "sha256": parquet.texts(table.sha256),
            "model": parquet.texts([column.model] * n),
            "fingerprint": parquet.texts([column.fingerprint] * n),
            "dimension": parquet.texts([column.dimension] * n),
            "score": parquet.floats(column.score),
            "status": parquet.texts(column.status),
            "reason": parquet.texts(column.reason),
            "seconds": parquet.floats(column.seconds),
        }
        parts.append(parquet.table(part))
    parquet.write(pa.concat_tables(parts), path)


def read_scores(path: Path) -> list[ScoreColumn]:
    """The columns that `write_scores` wrote, in the same order.

    Raises:
        InputError: the file is missing or damaged.
    """
    parts = _split(_read(path, _SCORE_COLUMNS), ("dataset", "model", "dimension"))
    return [
        ScoreColumn(
            dataset,
            model,
            part["fingerprint"][0],
            dimension,
            _floats(part["score"]),
            tuple(part["status"]),
            tuple(part["reason"]),
            _floats(part["seconds"]),
        )
        for (dataset, model, dimension), part in parts.items()
    ]


_TEXT, _PERHAPS_TEXT, _NUMBER = (str,), (str, type(None)), (int, float, type(None))
_ITEM_COLUMNS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("dataset", "image", "sha256", "group"), _TEXT),
    **dict.fromkeys(("prompt", "generator", "generator_family"), _PERHAPS_TEXT),
}
_SCORE_COLUMNS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("dataset", "model", "fingerprint", "dimension", "status", "reason"), _TEXT),
    **dict.fromkeys(("score", "seconds"), _NUMBER),
}


def _read(path: Path, expected: dict[str, tuple[type, ...]]) -> dict[str, list[Any]]:
    """Columns of a table as lists: neither `read_table` nor `to_numpy`, which import pandas."""
    try:
        table = parquet.read(path).read()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read ({error}); give the --out folder of a finished run.") from error
    columns = {name: table[name].to_pylist() for name in table.column_names}
    numbers = {name: _NUMBER for name in columns if name.startswith(("label_", "std_", "raters_"))}
    for name, kinds in (expected | numbers).items():
        if name not in columns or not all(isinstance(cell, kinds) for cell in columns[name]):
            raise InputError(f"{path} is damaged: its column {name!r} is missing or holds something else; run again.")
    return columns


def _split(columns: dict[str, list[Any]], keys: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, list[Any]]]:
    """Rows with equal keys together, in order of first appearance."""
    rows: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*(columns[name] for name in keys), strict=True)):
        rows.setdefault(key, []).append(row)
    return {
        key: {name: [values[row] for row in chosen] for name, values in columns.items()} for key, chosen in rows.items()
    }


def _floats(values: list[float | None]) -> NDArray[np.float64]:
    """Values (n,), NaN where there is none."""
    return np.array(values, dtype=np.float64)


PAIRS_FILE = "judged.parquet"


def write_pairs(tables: Sequence[ItemTable], path: Path) -> None:
    """Write the pairs of all datasets; positions are those of the column `item` of `items.parquet`."""
    parts = []
    for table in tables:
        if table.pairs:
            columns: dict[str, pa.Array] = {"dataset": parquet.texts([table.dataset] * len(table.pairs))}
            for name, kind in KnownPair.__annotations__.items():
                cells: list[Any] = [getattr(pair, name) for pair in table.pairs]
                columns[name] = parquet.texts(cells) if kind is str else parquet.integers(cells)
            parts.append(parquet.table(columns))
    parquet.write(pa.concat_tables(parts), path)


def with_pairs(tables: Sequence[ItemTable], folder: Path) -> list[ItemTable]:
    """The tables of a run with the pairs that its folder holds.

    Raises:
        InputError: the file is damaged, or names items that the tables do not have.
    """
    path = folder / PAIRS_FILE
    if not path.exists():
        return list(tables)
    try:
        rows = parquet.read(path).read().to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read ({error}); run again into another --out.") from error
    pairs: dict[str, list[KnownPair]] = {table.dataset: [] for table in tables}
    kinds = KnownPair.__annotations__
    for row in rows:
        cells = {name: kind(row[name]) for name, kind in kinds.items()}
        pairs.setdefault(row["dataset"], []).append(KnownPair(**cells))
    filled = [replace(table, pairs=tuple(pairs[table.dataset])) for table in tables]
    for table in filled:
        if any(max(pair.positive, pair.negative) >= len(table.items) for pair in table.pairs):
            raise InputError(f"{folder} mixes files of different runs ({PAIRS_FILE}: {table.dataset}); run again.")
    return filled

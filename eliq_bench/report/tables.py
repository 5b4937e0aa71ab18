"""The two tidy tables of a run folder: items with their labels, and one row per item, model and dimension."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from eliq_bench.errors import InputError
from eliq_bench.report import arrow
from eliq_bench.types import Items, ItemTable, ScoreColumn

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
            "dataset": arrow.texts([table.dataset] * len(items)),
            "item": arrow.integers(np.arange(len(items))),
            "image": arrow.texts(items.name),
            "sha256": arrow.texts(table.sha256),
            "prompt": arrow.texts(items.prompt),
            "generator": arrow.texts(items.generator),
            "generator_family": arrow.texts(items.generator_family),
            "group": arrow.texts(items.group),
        }
        for dimension in dimensions:
            columns[f"label_{dimension}"] = arrow.floats(items.labels.get(dimension, nothing))
            columns[f"std_{dimension}"] = arrow.floats(items.label_std.get(dimension, nothing))
            columns[f"raters_{dimension}"] = arrow.floats(items.label_n.get(dimension, nothing))
        parts.append(arrow.table(columns))
    pq.write_table(pa.concat_tables(parts), path, compression="zstd")


def read_items(path: Path) -> list[ItemTable]:
    """The tables that `write_items` wrote, in the same order.

    Raises:
        InputError: the file is missing or damaged.
    """
    columns = _read(path)
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
            "dataset": arrow.texts([column.dataset] * n),
            "item": arrow.integers(np.arange(n)),
            "image": arrow.texts(table.items.name),
            "sha256": arrow.texts(table.sha256),
            "model": arrow.texts([column.model] * n),
            "fingerprint": arrow.texts([column.fingerprint] * n),
            "dimension": arrow.texts([column.dimension] * n),
            "score": arrow.floats(column.score),
            "status": arrow.texts(column.status),
            "reason": arrow.texts(column.reason),
            "seconds": arrow.floats(column.seconds),
        }
        parts.append(arrow.table(part))
    pq.write_table(pa.concat_tables(parts), path, compression="zstd")


def read_scores(path: Path) -> list[ScoreColumn]:
    """The columns that `write_scores` wrote, in the same order.

    Raises:
        InputError: the file is missing or damaged.
    """
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
        for (dataset, model, dimension), part in _split(
            _read(path), ("dataset", "model", "dimension")
        ).items()
    ]


def _read(path: Path) -> dict[str, list[Any]]:
    """Columns of a table as lists: neither `read_table` nor `to_numpy`, which import pandas."""
    try:
        table = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            f"{path} cannot be read ({error}); give the --out folder of a finished run."
        ) from error
    return {name: table[name].to_pylist() for name in table.column_names}


def _split(
    columns: dict[str, list[Any]], keys: tuple[str, ...]
) -> dict[tuple[Any, ...], dict[str, list[Any]]]:
    """Rows with equal keys together, in order of first appearance."""
    rows: dict[tuple[Any, ...], list[int]] = {}
    for row, key in enumerate(zip(*(columns[name] for name in keys), strict=True)):
        rows.setdefault(key, []).append(row)
    return {
        key: {name: [values[row] for row in chosen] for name, values in columns.items()}
        for key, chosen in rows.items()
    }


def _floats(values: list[float | None]) -> NDArray[np.float64]:
    """Values (n,), NaN where there is none."""
    return np.array(values, dtype=np.float64)

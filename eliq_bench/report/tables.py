"""The two tidy tables of a run folder: items with their labels, and one row per item, model and dimension."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from eliq_bench.errors import InputError
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
        columns: dict[str, Any] = {
            "dataset": [table.dataset] * len(items),
            "item": np.arange(len(items)),
            "image": items.name,
            "sha256": table.sha256,
            "prompt": pa.array(items.prompt, pa.string()),
            "generator": pa.array(items.generator, pa.string()),
            "generator_family": pa.array(items.generator_family, pa.string()),
            "group": items.group,
        }
        for dimension in dimensions:
            columns[f"label_{dimension}"] = items.labels.get(dimension, nothing)
            columns[f"std_{dimension}"] = items.label_std.get(dimension, nothing)
            columns[f"raters_{dimension}"] = items.label_n.get(dimension, nothing)
        parts.append(pa.table(columns))
    pq.write_table(pa.concat_tables(parts), path, compression="zstd")


def read_items(path: Path) -> list[ItemTable]:
    """The tables that `write_items` wrote, in the same order.

    Raises:
        InputError: the file is missing or damaged.
    """
    table = _read(path)
    tables = []
    for dataset in table["dataset"].unique().to_pylist():
        part = table.filter(pa.compute.equal(table["dataset"], dataset))
        tables.append(ItemTable(dataset, _items(part), tuple(part["sha256"].to_pylist())))
    return tables


def _items(part: pa.Table) -> Items:
    def texts(column: str) -> tuple[Any, ...]:
        return tuple(part[column].to_pylist())

    def numbers(prefix: str) -> dict[str, NDArray[np.float64]]:
        names = [name for name in part.column_names if name.startswith(prefix)]
        columns = {name.removeprefix(prefix): part[name].to_numpy() for name in names}
        return {key: values for key, values in columns.items() if np.isfinite(values).any()}

    return Items(
        name=texts("image"),
        image=(None,) * part.num_rows,
        prompt=texts("prompt"),
        generator=texts("generator"),
        generator_family=texts("generator_family"),
        group=texts("group"),
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
        parts.append(
            pa.table(
                {
                    "dataset": [column.dataset] * n,
                    "item": np.arange(n),
                    "image": table.items.name,
                    "sha256": table.sha256,
                    "model": [column.model] * n,
                    "fingerprint": [column.fingerprint] * n,
                    "dimension": [column.dimension] * n,
                    "score": pa.array(column.score, from_pandas=True),
                    "status": column.status,
                    "reason": column.reason,
                    "seconds": column.seconds,
                }
            )
        )
    pq.write_table(pa.concat_tables(parts), path, compression="zstd")


def read_scores(path: Path) -> list[ScoreColumn]:
    """The columns that `write_scores` wrote, in the same order.

    Raises:
        InputError: the file is missing or damaged.
    """
    table = _read(path)
    keys = list(
        dict.fromkeys(
            zip(*(table[name].to_pylist() for name in ("dataset", "model", "dimension")), strict=True)
        )
    )
    columns = []
    for dataset, model, dimension in keys:
        part = table.filter(
            pa.compute.and_(
                pa.compute.equal(table["dataset"], dataset),
                pa.compute.and_(
                    pa.compute.equal(table["model"], model), pa.compute.equal(table["dimension"], dimension)
                ),
            )
        )
        columns.append(
            ScoreColumn(
                dataset,
                model,
                part["fingerprint"][0].as_py(),
                dimension,
                np.asarray(part["score"].to_numpy(), dtype=np.float64),
                tuple(part["status"].to_pylist()),
                tuple(part["reason"].to_pylist()),
                np.asarray(part["seconds"].to_numpy(), dtype=np.float64),
            )
        )
    return columns


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            f"{path} cannot be read ({error}); give the --out folder of a finished run."
        ) from error

"""Scores of images without labels, as a table on the terminal or a file."""

import csv
import json
from pathlib import Path
from typing import Any

from eliq_bench.errors import InputError
from eliq_bench.report.folder import write_whole
from eliq_bench.types import ItemTable, ScoreColumn

FORMATS = (".csv", ".parquet", ".json")


def check_format(path: Path) -> None:
    """See that results can go to `path`, before anything is computed.

    Raises:
        InputError: the suffix is not one of FORMATS, or the folder does not exist.
    """
    if path.suffix not in FORMATS:
        raise InputError(f"--out {path} must end in {', '.join(FORMATS)}.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--out {path}: the folder {path.parent} does not exist; create it first.")


def records(table: ItemTable, columns: list[ScoreColumn]) -> list[dict[str, Any]]:
    """One row per image: its name, prompt if any has one, `<model>.<dimension>` scores, and `problem`."""
    rows: list[dict[str, Any]] = []
    with_prompt = any(table.items.prompt)
    problems = dict(_problems(columns))
    for position, name in enumerate(table.items.name):
        row: dict[str, Any] = {"image": name}
        if with_prompt:
            row["prompt"] = table.items.prompt[position]
        for column in columns:
            defined = column.status[position] == "ok"
            row[f"{column.model}.{column.dimension}"] = float(column.score[position]) if defined else None
        row["problem"] = problems.get(position, "")
        rows.append(row)
    return rows


def failures(table: ItemTable, columns: list[ScoreColumn]) -> list[str]:
    """One line for each image that lacks a score, with the reason."""
    return [f"{table.items.name[position]}: {text}" for position, text in _problems(columns)]


def _problems(columns: list[ScoreColumn]) -> list[tuple[int, str]]:
    found: dict[int, dict[str, list[str]]] = {}
    for column in columns:
        for position, (status, reason) in enumerate(zip(column.status, column.reason, strict=True)):
            if status != "ok":
                found.setdefault(position, {}).setdefault(reason, []).append(column.model)
    return [
        (
            position,
            "; ".join(
                reason if len(models) == len(columns) else f"{reason} ({', '.join(models)})"
                for reason, models in found[position].items()
            ),
        )
        for position in sorted(found)
    ]


def save(table: ItemTable, columns: list[ScoreColumn], path: Path) -> None:
    """Write the records as the suffix of `path` says.

    Raises:
        EliqBenchError: the file cannot be written.
    """
    rows = records(table, columns)

    def write(target: Path) -> None:
        if path.suffix == ".json":
            target.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        elif path.suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(rows), target)
        else:
            with target.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)

    write_whole(path, write)


def show(table: ItemTable, columns: list[ScoreColumn]) -> None:
    """Print the records as a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    rows = records(table, columns)
    shown = Table(*rows[0], box=box.SIMPLE_HEAD)
    for row in rows:
        shown.add_row(
            *(f"{cell:.4g}" if isinstance(cell, float) else str(cell or "") for cell in row.values())
        )
    Console().print(shown)

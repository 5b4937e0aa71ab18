"""Scores of images without labels, as a table on the terminal or a file."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

from eliq_bench.errors import InputError
from eliq_bench.io.escape import csv_text
from eliq_bench.io.write import write_whole
from eliq_bench.results.folder import KEPT
from eliq_bench.types import NO_PROMPT, ItemTable, ScoreColumn

FORMATS = (".csv", ".parquet", ".json")


class Problem(NamedTuple):
    """An image without a score from every model."""

    image: str
    text: str
    """The reasons, each with its models."""
    failed: bool
    """True if a model has no score at all for it; False if some are missing, such as `alignment` without a prompt."""


def check_format(path: Path) -> None:
    """Check that results can be written to `path`, before anything is computed.

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
    problem_at = dict(_problems(table, columns))
    for position, name in enumerate(table.items.name):
        row: dict[str, Any] = {"image": name}
        if with_prompt:
            row["prompt"] = table.items.prompt[position]
        for column in columns:
            defined = column.status[position] == "ok"
            row[f"{column.model}.{column.dimension}"] = float(column.score[position]) if defined else None
        row["problem"] = problem_at[position].text if position in problem_at else ""
        rows.append(row)
    return rows


def without_prompts(table: ItemTable, columns: list[ScoreColumn]) -> tuple[list[ScoreColumn], list[str]]:
    """The columns that can have scores where no image has a prompt, and a note for each one left out.

    A model all of whose scores need prompts keeps its columns: it has nothing else to give, and its images fail.
    """
    if any(table.items.prompt):
        return columns, []
    scored = {column.model for column in columns if "ok" in column.status}
    kept, notes = [], []
    for column in columns:
        if column.model in scored and "ok" not in column.status and NO_PROMPT in column.reason:
            notes.append(f"No prompts here, so {column.model} gives no {column.dimension}.")
        else:
            kept.append(column)
    return kept, notes


def problems(table: ItemTable, columns: list[ScoreColumn]) -> list[Problem]:
    """The images without a score from every model, each once."""
    return [problem for _, problem in _problems(table, columns)]


def _problems(table: ItemTable, columns: list[ScoreColumn]) -> list[tuple[int, Problem]]:
    listed = []
    for position, name in enumerate(table.items.name):
        reasons: dict[str, list[str]] = {}
        scored: set[str] = set()
        for column in columns:
            if column.status[position] == "ok":
                scored.add(column.model)
            else:
                reasons.setdefault(column.reason[position], []).append(column.model)
        text = "; ".join(
            reason if len(models) == len(columns) else f"{reason} ({', '.join(dict.fromkeys(models))})"
            for reason, models in reasons.items()
        )
        if reasons:
            failed = any(column.model not in scored for column in columns)
            listed.append((position, Problem(name, text, failed)))
    return listed


def save(table: ItemTable, columns: list[ScoreColumn], path: Path) -> None:
    """Write the records in the format of the suffix of `path`.

    Raises:
        EliqBenchError: the file cannot be written.
    """
    rows = records(table, columns)

    def write(target: Path) -> None:
        if path.suffix == ".json":
            target.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        elif path.suffix == ".parquet":
            import pyarrow as pa

            from eliq_bench.io import parquet

            parquet.write(pa.Table.from_pylist(rows), target)
        else:
            with target.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.writer(stream)
                writer.writerow(map(csv_text, rows[0]))
                for row in rows:
                    writer.writerow(csv_text(cell) if isinstance(cell, str) else cell for cell in row.values())

    write_whole(path, write, KEPT)


def show(table: ItemTable, columns: list[ScoreColumn]) -> None:
    """Print the records as a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from eliq_bench.report.console import plain

    rows = records(table, columns)
    shown = Table(box=box.SIMPLE_HEAD)
    for header in rows[0]:
        shown.add_column(plain(header))
    for row in rows:
        cells = (f"{cell:.4g}" if isinstance(cell, float) else str(cell or "") for cell in row.values())
        shown.add_row(*map(plain, cells))
    Console().print(shown)

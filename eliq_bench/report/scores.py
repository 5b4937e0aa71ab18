"""Scores of images without labels, as a table on the terminal or a file."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

from eliq_bench.errors import InputError
from eliq_bench.io.write import write_whole
from eliq_bench.results.folder import KEPT
from eliq_bench.types import NO_PROMPT, ItemTable, ScoreColumn

FORMATS = (".csv", ".parquet", ".json")


class Problem(NamedTuple):
    """An image that lacks a score."""

    image: str
    text: str
    """The reasons, with the models they are true of."""
    failed: bool
    """A model has no score at all for it; else each has some, such as `quality` where `alignment` lacks a prompt."""


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
    found = dict(_problems(table, columns))
    for position, name in enumerate(table.items.name):
        row: dict[str, Any] = {"image": name}
        if with_prompt:
            row["prompt"] = table.items.prompt[position]
        for column in columns:
            defined = column.status[position] == "ok"
            row[f"{column.model}.{column.dimension}"] = float(column.score[position]) if defined else None
        row["problem"] = found[position].text if position in found else ""
        rows.append(row)
    return rows


def without_prompts(table: ItemTable, columns: list[ScoreColumn]) -> tuple[list[ScoreColumn], list[str]]:
    """The columns that can hold scores where no image has a prompt, and a note for each that is left out.

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
    """The images that lack a score, each once."""
    return [problem for _, problem in _problems(table, columns)]


def _problems(table: ItemTable, columns: list[ScoreColumn]) -> list[tuple[int, Problem]]:
    found = []
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
            found.append((position, Problem(name, text, failed)))
    return found


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

    write_whole(path, write, KEPT)


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

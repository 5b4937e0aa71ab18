"""A table of scores that were computed elsewhere: one row per image, one column or logit pair per model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eliq_bench.datasets.own_table import KNOWN_DIMENSIONS
from eliq_bench.datasets.readers import numbers
from eliq_bench.errors import InputError, did_you_mean, first_names
from eliq_bench.io.tables import Table, read_table

if TYPE_CHECKING:
    from eliq_bench.stats.statistic import Floats

PAIR = ("good", "poor")
"""Endings of two columns whose difference is the score: logits of two words, as Q-Bench stores them."""
DESCRIBING = frozenset(("image", "prompt", "generator", "group", "problem"))
"""Columns about the image, never a model unless asked for."""


@dataclass(frozen=True)
class ScoredBy:
    """One model's scores, in its own direction."""

    columns: str
    """What was read: `name`, or `name.good - name.poor`."""
    values: "Floats"
    """(n,) one per row of the file; NaN where the cell is empty."""


@dataclass(frozen=True)
class ScoreFile:
    """What a file of scores holds, as columns of equal length n."""

    path: Path
    image: tuple[str, ...]
    prompt: tuple[str | None, ...]
    models: dict[str, ScoredBy]
    """By name, in the order of the file or of the caller's choice."""
    left_out: tuple[str, ...]
    """Columns that are taken for labels, since nobody asked for them as models."""


def read_score_file(path: Path, chosen: Sequence[str] = ()) -> ScoreFile:
    """Read a CSV, TSV or Parquet table with a column `image`, perhaps `prompt`, and scores.

    Every other column is a model; `x.good` and `x.poor` together are the model `x`, scored by their difference. A
    column that bears the name of a label, such as `mos`, is left out, unless it is chosen.

    Args:
        path: the table.
        chosen: models to take, as `NAME` or `NEW_NAME=NAME`; empty takes all.

    Raises:
        InputError: the file is no such table, a cell of a score is no finite number, or a name is not there.
    """
    table = read_table(path)
    if "image" not in table.columns:
        raise InputError(
            f"{path} needs a column 'image' with the names of the images (its columns: "
            f"{', '.join(table.columns)})."
        )
    if not table.rows:
        raise InputError(f"{path} has a header but no rows.")
    image = tuple(cell.strip() for cell in table.columns["image"])
    if "" in image:
        raise InputError(f"{path}, row {image.index('') + 1}: the column 'image' is empty.")
    offered, left_out = _offered(table)
    wanted = dict(_choice(table, offered, text) for text in chosen) or offered
    if not wanted:
        raise InputError(
            f"{path} has no column of scores (its columns: {', '.join(table.columns)}); "
            f"name one with --model NAME=COLUMN."
        )
    if chosen and len(wanted) < len(chosen):
        raise InputError("--model gives the same name twice; rename one, as in --model NEW_NAME=NAME.")
    prompts = table.columns.get("prompt", [""] * table.rows)
    return ScoreFile(
        path=path,
        image=image,
        prompt=tuple(cell if cell.strip() else None for cell in prompts),
        models={name: _scored(table, columns, image) for name, columns in wanted.items()},
        left_out=() if chosen else left_out,
    )


def _offered(table: Table) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Models to their one or two columns, and the columns left out as labels."""
    offered: dict[str, tuple[str, ...]] = {}
    labels = []
    for column in table.columns:
        stem, dot, ending = column.rpartition(".")
        if dot and stem and ending in PAIR:
            if stem in table.columns:
                raise InputError(f"{table.path} has {stem} beside {column}; rename one of them.")
            offered[stem] = (f"{stem}.{PAIR[0]}", f"{stem}.{PAIR[1]}")
        elif _without_ending(column) in KNOWN_DIMENSIONS:
            labels.append(column)
        elif column.lower() not in DESCRIBING:
            offered[column] = (column,)
    return offered, tuple(labels)


def _without_ending(column: str) -> str:
    """The column without the ending of its spread or count: `mos_std` is as much a label as `mos`."""
    return column.lower().removesuffix("_std").removesuffix("_n")


def _choice(table: Table, offered: dict[str, tuple[str, ...]], text: str) -> tuple[str, tuple[str, ...]]:
    """Name and columns behind `NAME` or `NEW_NAME=NAME`; any column may be chosen by its whole name."""
    known = offered | {column: (column,) for column in table.columns if column not in offered}
    name, equals, source = text.partition("=")
    if text in known or not equals:  # a column may have "=" in its name
        name, source = text, text
    if source not in known or not name:
        raise InputError(
            f"{table.path} has no model {source!r} (it offers: {', '.join(offered)})."
            f"{did_you_mean(source, list(known))}"
        )
    return name, known[source]


def _scored(table: Table, columns: tuple[str, ...], image: tuple[str, ...]) -> ScoredBy:
    for column, other in zip(columns, reversed(columns), strict=True):
        if column not in table.columns:
            raise InputError(
                f"{table.path} has {other} but no {column}; to take {other} alone, write --model NAME={other}."
            )
    parts = [numbers(table.path, column, tuple(table.columns[column]), image) for column in columns]
    values = parts[0] if len(parts) == 1 else parts[0] - parts[1]
    if np.isnan(values).all():
        raise InputError(f"{table.path}: {' - '.join(columns)} holds no number at all.")
    return ScoredBy(" - ".join(columns), values)


def left_out_note(file: ScoreFile) -> str:
    """A sentence about columns taken for labels; empty if there are none."""
    if not file.left_out:
        return ""
    return (
        f"{file.path.name}: {first_names(file.left_out)} left out, by name a label and no score; "
        f"--model {file.left_out[0]} takes it."
    )

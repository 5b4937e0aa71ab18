"""A table of scores that were computed elsewhere: one row per image, one column or logit pair per model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eliq_bench.datasets.readers import NO_NUMBER, numbers
from eliq_bench.errors import InputError, did_you_mean, first_names
from eliq_bench.io.columns import LABELS, PROMPT, UNDIRECTED, described, find_column, find_image_column, normalised
from eliq_bench.io.escape import read_csv_text
from eliq_bench.io.tables import Table, read_table

if TYPE_CHECKING:
    from eliq_bench.stats.statistic import Floats

PAIR = ("good", "poor")
"""Endings of two columns whose difference is the score: logits of two words, as Q-Bench stores them."""
DESCRIBING = frozenset(("generator", "group", "problem", "set", "split"))
"""Columns about the image, never a model unless asked for."""
NO_MODEL = frozenset((*LABELS, *UNDIRECTED - {"score"}))
"""Normalised names of columns with labels. A column `score` has what a model gave."""


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
    read_as: str = ""
    """How the file was understood, in a sentence; empty where nothing had to be guessed."""


def read_score_file(path: Path, chosen: Sequence[str] = (), image_column: str | None = None) -> ScoreFile:
    """Read a table with a column of images, perhaps `prompt`, and scores.

    The column of images is found as `io.columns.find_image_column` says. Every other column of numbers is a model;
    `x.good` and `x.poor`, or `x_good` and `x_poor`, together are the model `x`, scored by their difference. A column
    that bears the name of a label, such as `mos` or `gt_score`, is left out, and so is one without any number, unless
    it is chosen.

    Args:
        path: the table, in any format of `io.tables.read_table`.
        chosen: models to take, as `NAME` or `NEW_NAME=NAME`; empty takes all.
        image_column: the column with the names of the images; None finds it.

    Raises:
        InputError: the file is no such table, a cell of a score is no finite number, or a name is not there.
    """
    table = read_table(path)
    named = find_image_column(table, image_column)
    if not table.rows:
        raise InputError(f"{path} has a header but no rows.")
    image = tuple(read_csv_text(cell.strip()) for cell in table.columns[named])
    if "" in image:
        raise InputError(f"{path}, row {image.index('') + 1}: the column {named!r} is empty.")
    prompt = find_column(table, PROMPT)
    prompts = table.columns.get(prompt or "", [""] * table.rows)
    offered, left_out = _offered(table, {named, prompt})
    wanted = dict(_choice(table, offered, text) for text in chosen) or offered
    if not wanted:
        raise InputError(
            f"{path} has no column of scores (its columns: {described(table)}); name one with --model NAME=COLUMN."
        )
    if chosen and len(wanted) < len(chosen):
        raise InputError("--model gives the same name twice; rename one, as in --model NEW_NAME=NAME.")
    return ScoreFile(
        path=path,
        image=image,
        prompt=tuple(read_csv_text(cell) if cell.strip() else None for cell in prompts),
        models={name: _scored(table, columns, image) for name, columns in wanted.items()},
        left_out=() if chosen else left_out,
        read_as=_read_as(table, named, wanted),
    )


def _read_as(table: Table, named: str, models: dict[str, tuple[str, ...]]) -> str:
    if named == "image" and not table.layout:
        return ""
    scores = first_names([f"{name} from {' - '.join(columns)}" for name, columns in models.items()])
    layout = f"read as {table.layout}; " if table.layout else ""
    return f"{table.path.name}: {layout}images from the column {named!r}; scores of {scores}."


def _offered(table: Table, taken: set[str | None]) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Models to their one or two columns, and the columns left out as labels."""
    offered: dict[str, tuple[str, ...]] = {}
    labels = []
    for column in table.columns:
        stem, sign, ending = column[:-5], column[-5:-4], column[-4:]
        if stem and sign in (".", "_") and ending in PAIR and _is_pair(table, stem, sign):
            if stem in table.columns:
                raise InputError(f"{table.path} has {stem} beside {column}; rename one of them.")
            offered[stem] = (f"{stem}{sign}{PAIR[0]}", f"{stem}{sign}{PAIR[1]}")
        elif normalised(_without_ending(column)) in NO_MODEL:
            labels.append(column)
        elif column not in taken and column.lower() not in DESCRIBING and _has_number(table.columns[column]):
            offered[column] = (column,)
    return offered, tuple(labels)


def _is_pair(table: Table, stem: str, sign: str) -> bool:
    """A full stop always marks a pair; an underscore only where both columns are there."""
    return sign == "." or all(f"{stem}_{ending}" in table.columns for ending in PAIR)


def _has_number(cells: Sequence[str]) -> bool:
    """Whether a column may hold scores: a number, or an empty cell, which is reported later."""
    filled = [cell for cell in cells if cell.strip().lower() not in NO_NUMBER]
    return not filled or any(_is_number(cell) for cell in filled)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


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

"""Readers of label files: the one that most cards name, and those of three sets with formats of their own.

The general reader takes one table with a row per image, described by the card's options.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from eliq_bench.cards import DatasetCard, explain
from eliq_bench.errors import InputError
from eliq_bench.io.tables import Table, read_table, read_text
from eliq_bench.types import Items, plain_items

if TYPE_CHECKING:
    from eliq_bench.stats.statistic import Floats

NO_NUMBER = frozenset(("", "nan", "na", "n/a", "null", "none"))
"""Cells without a label, in lower case."""


class TableOptions(BaseModel):
    """What a card says about its table beyond the columns with labels.

    A pattern is a regular expression with one group, searched in a text; the group is the result.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Column with the file name of the image."""
    strip: str = ""
    """Regular expression removed from the start of each name, to leave the path below the image folder."""
    header: tuple[str, ...] = ()
    separator: str = ""
    """Both as in `read_table`."""
    keep: dict[str, str] = {}
    """Column to value: rows with another value belong to another dataset."""
    drop: tuple[str, ...] = ()
    """Names left out, for a reason that the card lists among its defects."""
    first: int | None = None
    """Only so many of the remaining rows, from the top: a named part of a set."""
    names_sha256: str = ""
    """Of the names that remain, one per line: a part is exactly these images or it is refused."""
    derived: dict[str, dict[str, float]] = {}
    """New column to the weights of the columns it sums."""
    prompt: str | None = None
    """Column with the prompt."""
    generator: str | None = None
    """Pattern on the name."""
    family: str | None = None
    """Pattern on the generator."""
    group_column: str | None = None
    group_pattern: str | None = None
    """Column, or pattern on the name, that gives the group; without both it is the prompt, else the name."""
    counts: dict[str, str] = {}
    """Dimension to the column with the number of ratings."""


def read(card: DatasetCard, root: Path) -> Items:
    """Labels as in the first label file of the card; images are attached by the loader.

    Args:
        card: its `options` are `TableOptions`.
        root: the folder with the label files.

    Raises:
        InputError: the options are wrong, or the table does not have what the card says.
    """
    try:
        options = TableOptions.model_validate(card.options)
    except ValidationError as error:
        raise InputError(f"The options of dataset {card.name} have {explain(error)}.") from error
    table = read_table(root / card.labels[0].file, options.header, options.separator)
    return items_of(card, options, table)


def items_of(card: DatasetCard, options: TableOptions, table: Table) -> Items:
    """The rows of a table that belong to the dataset, as items without images."""
    names = [re.sub(f"^(?:{options.strip})", "", name.strip()) for name in table.column(options.name)]
    rows = _rows(options, table, names)

    def text(column: str) -> tuple[str, ...]:
        cells = table.column(column)
        return tuple(cells[row] for row in rows)

    def values(column: str) -> "Floats":
        if column in options.derived:
            parts = [weight * values(part) for part, weight in options.derived[column].items()]
            return np.asarray(np.sum(parts, axis=0))
        return numbers(table.path, column, text(column), name)

    name = tuple(names[row] for row in rows)
    _check_names(card, options, name)
    prompt = text(options.prompt) if options.prompt else (None,) * len(name)
    generator = _by_pattern(card, options.generator, name)
    labels = card.dimensions.items()
    return Items(
        name=name,
        image=(None,) * len(name),
        prompt=prompt,
        generator=generator,
        generator_family=_by_pattern(card, options.family, generator) if options.family else generator,
        group=_groups(card, options, text, name, prompt),
        labels={dimension: values(label.column) for dimension, label in labels},
        label_std={dimension: values(label.std) for dimension, label in labels if label.std},
        label_n={dimension: values(column) for dimension, column in options.counts.items()},
    )


def numbers(path: Path, column: str, cells: tuple[str, ...], names: tuple[str, ...]) -> "Floats":
    """Cells of a column as float64, NaN where there is no number.

    Raises:
        InputError: a cell holds something else, or an infinite number.
    """
    parsed = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            parsed[row] = np.nan if cell.strip().lower() in NO_NUMBER else float(cell)
        except ValueError:
            parsed[row] = np.inf
        if np.isinf(parsed[row]):
            raise InputError(
                f"{path}, row {row + 1} ({names[row]}): {column} is {cell!r}, which is not a finite number."
            )
    return parsed


def _rows(options: TableOptions, table: Table, names: list[str]) -> list[int]:
    rows = [row for row, name in enumerate(names) if name not in options.drop]
    for column, value in options.keep.items():
        cells = table.column(column)
        rows = [row for row in rows if cells[row] == value]
    return rows[: options.first]


def _check_names(card: DatasetCard, options: TableOptions, names: tuple[str, ...]) -> None:
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    if options.names_sha256 and digest != options.names_sha256:
        raise InputError(f"{card.name}: the {len(names):,} names of its rows are not those of its card.")


def _by_pattern(
    card: DatasetCard, pattern: str | None, texts: tuple[str | None, ...]
) -> tuple[str | None, ...]:
    if pattern is None:
        return (None,) * len(texts)
    search = re.compile(pattern).search
    return tuple(_first_group(card, search, text or "") for text in texts)


def _first_group(card: DatasetCard, search: Callable[[str], re.Match[str] | None], text: str) -> str:
    match = search(text)
    if match is None:
        raise InputError(f"{card.name}: a pattern of its card does not fit {text!r}.")
    return match[1]


def _groups(
    card: DatasetCard,
    options: TableOptions,
    text: Callable[[str], tuple[str, ...]],
    name: tuple[str, ...],
    prompt: tuple[str | None, ...],
) -> tuple[str, ...]:
    if options.group_column:
        return text(options.group_column)
    if options.group_pattern:
        search = re.compile(options.group_pattern).search
        return tuple(_first_group(card, search, entry) for entry in name)
    return tuple(own if text is None else text for own, text in zip(name, prompt, strict=True))


# AIGCIQA2023: image n is 400 * generator + 4 * prompt + repetition, generators in this order.
AIGCIQA2023_GENERATORS = ("Controlnet", "DALLE", "Glide", "Lafite", "stable-diffusion", "Unidiffuser")


def read_aigciqa2023(card: DatasetCard, root: Path) -> Items:
    """The table of AIGCIQA2023, with the generator that follows from the number of the image (`0.png`)."""
    items = read(card, root)
    generator = tuple(AIGCIQA2023_GENERATORS[int(Path(name).stem) // 400] for name in items.name)
    return replace(items, generator=generator, generator_family=generator)


def read_evalmi50k(card: DatasetCard, root: Path) -> Items:
    """The table of EvalMi-50K with the prompts: line n of the second file belongs to `<generator>/n.png`."""
    items = read(card, root)
    lines = read_text(root / card.labels[1].file).splitlines()
    prompts = [str(json.loads(line)["prompt"]) for line in lines if line]
    prompt = tuple(prompts[int(Path(name).stem) - 1] for name in items.name)
    return replace(items, prompt=prompt, group=prompt)


def read_livec(card: DatasetCard, root: Path) -> Items:
    """Names, MOS and standard deviations, without the images that only trained the raters.

    Args:
        card: `options` holds `names`, the variable with the file names, and `drop`, the names left out;
            the columns of the dimension are variables too, each in the file `<variable>.mat`.
        root: the folder with the label files.
    """
    from scipy.io import loadmat  # late: 0.2 s that no other dataset needs

    def variable(key: str) -> "np.ndarray[tuple[int], np.dtype[np.object_ | np.float64]]":
        return np.ravel(loadmat(root / f"{key}.mat")[key])

    label = card.dimensions["quality"]
    names = [str(np.ravel(cell)[0]) for cell in variable(card.options["names"])]
    rows = [row for row, name in enumerate(names) if name not in card.options["drop"]]
    kept = tuple(names[row] for row in rows)
    return replace(
        plain_items(kept),
        labels={"quality": variable(label.column)[rows].astype(np.float64)},
        label_std={"quality": variable(label.std or "")[rows].astype(np.float64)},
    )

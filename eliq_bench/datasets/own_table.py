"""A user's own table as a dataset: one row per image, one column per dimension."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from eliq_bench.cards import DatasetCard, LabelCard, LabelFile, builtin_cards, explain
from eliq_bench.datasets.load import missing_images_note, orient
from eliq_bench.datasets.readers import numbers
from eliq_bench.datasets.verify import content_sha256
from eliq_bench.errors import InputError, first_names
from eliq_bench.io.files import is_file, printable
from eliq_bench.io.tables import Table, read_table, read_text
from eliq_bench.types import Dataset, Items
from eliq_bench.vocabulary import Direction

if TYPE_CHECKING:
    from eliq_bench.stats.statistic import Floats

TABLE_SUFFIXES = frozenset((".csv", ".tsv", ".parquet"))
PAIRS = "pairs:"
"""Begins the name of a manifest of pairs."""

_DIMENSIONS = (
    "quality",
    "alignment",
    "aesthetics",
    "authenticity",
    "realism",
    "appeal",
    "naturalness",
    "overall",
)
KNOWN_DIMENSIONS: Mapping[str, str] = {
    **{name: name for name in _DIMENSIONS},
    "mos": "quality",
    "mos_quality": "quality",
    "mos_align": "alignment",
    "mos_alignment": "alignment",
}
"""Column, in lower case, to the dimension it is taken for."""


class OwnDimension(BaseModel):
    """The column with the labels of a dimension, and their direction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    direction: Direction = "higher"
    scale: tuple[float, float] | None = None
    """None takes the smallest and the largest label."""
    std: str | None = None
    raters: int | None = None


class Sidecar(BaseModel):
    """The YAML file: `name: my-set` and `dimensions: {quality: {column: score, direction: lower}}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    dimensions: dict[str, OwnDimension] = {}


def read_sidecar(table: Path) -> Sidecar:
    """The YAML file beside a table, empty if there is none.

    Raises:
        InputError: it is not YAML, or has a missing, misspelt or wrong field.
    """
    path = table.with_suffix(".yaml")
    if not path.is_file():
        return Sidecar()
    try:
        sidecar = Sidecar.model_validate(yaml.safe_load(read_text(path)) or {})
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    except ValidationError as error:
        raise InputError(f"{path} has {explain(error)}.") from error
    for dimension in sidecar.dimensions:
        _check_name(dimension, str(path))
    return sidecar


def parse_mapping(dimensions: Mapping[str, str]) -> dict[str, OwnDimension]:
    """Columns as given on the command line.

    Args:
        dimensions: dimension to `column`, `column:higher` or `column:lower`.

    Raises:
        InputError: a dimension is not a plain word, or no column is named.

    >>> parse_mapping({"quality": "dmos:lower"})["quality"].direction
    'lower'
    """
    parsed = {}
    for dimension, text in dimensions.items():
        _check_name(dimension, "the command line")
        column, _, direction = text.rpartition(":")
        if direction in get_args(Direction):
            parsed[dimension] = OwnDimension(column=column, direction="lower" if direction == "lower" else "higher")
        else:
            parsed[dimension] = OwnDimension(column=text)
        if not parsed[dimension].column:
            raise InputError(f"No column is named for the dimension {dimension} ({text!r}).")
    return parsed


def _check_name(dimension: str, source: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", dimension):
        raise InputError(f"{dimension!r} in {source} is no name of a dimension; use lower-case letters, as in quality.")


class OwnItems(NamedTuple):
    """The items of a table without their labels, and what a group is, in words."""

    items: Items
    group_is: str


def read_items(table: Table) -> OwnItems:
    """Images, prompts, generators and groups of a table.

    Raises:
        InputError: there is no row, no column `image`, an empty cell in it, or a row that repeats image and prompt.
    """
    if not table.rows:
        raise InputError(f"{table.path} has a header but no rows.")
    if "image" not in table.columns:
        raise InputError(
            f"{table.path} needs a column 'image' with the paths of the images (its columns: "
            f"{', '.join(table.columns)})."
        )
    image = [cell.strip() for cell in table.columns["image"]]
    prompt = _optional(table, "prompt")
    if "" in image:
        raise InputError(f"{table.path}, row {image.index('') + 1}: the column 'image' is empty.")
    pairs = list(zip(image, prompt, strict=True))
    if len(set(pairs)) < len(pairs):
        twice = next(pair for pair, count in Counter(pairs).items() if count > 1)
        rows = first_names([str(row + 1) for row, pair in enumerate(pairs) if pair == twice])
        raise InputError(f"{table.path} has {twice[0]} more than once with the same prompt (rows {rows}); keep one.")
    name = _unique(image)
    group, group_is = _groups(table, name, prompt)
    generator = _optional(table, "generator")
    files = tuple(table.path.parent / cell for cell in image)
    items = Items(
        name=name,
        image=tuple(file if is_file(file) else None for file in files),
        prompt=prompt,
        generator=generator,
        generator_family=generator,
        group=group,
    )
    return OwnItems(items, group_is)


def check_any_image(path: Path, items: Items) -> None:
    """Refuse a table none of whose images exists; single missing images only lower the coverage.

    Raises:
        InputError: no image exists.
    """
    if not any(items.image):
        raise InputError(
            f"None of the {len(items):,} images of {path} exists (such as {items.name[0]}); "
            f"their paths must be relative to the folder of the table."
        )


def _optional(table: Table, column: str) -> tuple[str | None, ...]:
    cells = table.columns.get(column, [""] * table.rows)
    return tuple(cell if cell.strip() else None for cell in cells)


def _unique(image: list[str]) -> tuple[str, ...]:
    """Names of items: an image that is rated under several prompts is numbered from the second time on."""
    seen: Counter[str] = Counter()
    names = []
    for cell in image:
        seen[cell] += 1
        names.append(cell if seen[cell] == 1 else f"{cell} [{seen[cell]}]")
    return tuple(names)


def _groups(table: Table, name: tuple[str, ...], prompt: tuple[str | None, ...]) -> tuple[tuple[str, ...], str]:
    column = _optional(table, "group")
    source, words = (column, "column group") if any(column) else (prompt, "prompt")
    if not any(source):
        return name, "image"
    return tuple(own if cell is None else cell for own, cell in zip(name, source, strict=True)), words


def is_table(text: str | Path) -> bool:
    """True if this names a table file rather than a dataset of the catalogue or a manifest of pairs."""
    return Path(text).suffix.lower() in TABLE_SUFFIXES and not is_pairs(text)


def is_pairs(text: str | Path) -> bool:
    """True if this names a manifest of pairs, see `datasets.pairs`."""
    return str(text).startswith(PAIRS)


def load_table(path: str | Path, dimensions: Mapping[str, str] | None = None, labels_only: bool = False) -> Dataset:
    """A CSV, TSV or Parquet table with a column `image` and a column per dimension.

    Paths of images are relative to the table. Columns `prompt`, `generator` and `group` are used if they are
    there; without `group`, items of one prompt form a group, else each image does. A column `<dimension>_std`
    or `<dimension>_n` gives the spread and number of its ratings. Rows without label or image
    stay and are counted in the notes.

    Args:
        path: the table. A YAML file of the same stem beside it may describe it, see `Sidecar`.
        dimensions: dimension to column, or to `column:lower` where lower is better; replaces the YAML file;
            without both, the columns that have the name of a known dimension count.
        labels_only: True where scores come from elsewhere and no image is needed.

    Raises:
        InputError: the table cannot be read or does not have what it needs.
    """
    path = Path(path)
    table = read_table(path)
    items, group_is = read_items(table)
    if not labels_only:
        check_any_image(path, items)
    sidecar = read_sidecar(path)
    chosen = parse_mapping(dimensions) if dimensions else (sidecar.dimensions or _by_name(table))
    items = replace(
        items,
        labels={name: _labels(table, items.name, name, own.column) for name, own in chosen.items()},
        label_std=_spread(table, items.name, chosen, "std"),
        label_n=_spread(table, items.name, chosen, "n"),
    )
    card = _card(path, sidecar, chosen, items, group_is)
    return Dataset(card=card, items=orient(card, items), notes=tuple(_notes(items)))


def _by_name(table: Table) -> dict[str, OwnDimension]:
    chosen: dict[str, OwnDimension] = {}
    for column in table.columns:
        dimension = KNOWN_DIMENSIONS.get(column.lower())
        if dimension and dimension not in chosen:
            chosen[dimension] = OwnDimension(column=column)
    if not chosen:
        raise InputError(
            f"{table.path} has no label column known by name (its columns: {', '.join(table.columns)}); "
            f"name one, as in quality=COLUMN, or write a {table.path.stem}.yaml beside it."
        )
    return chosen


def _labels(table: Table, names: tuple[str, ...], dimension: str, column: str) -> "Floats":
    values = numbers(table.path, column, tuple(table.column(column)), names)
    if np.isnan(values).all():
        raise InputError(f"{table.path}: the column {column!r} ({dimension}) holds no number at all.")
    return values


def _spread(table: Table, names: tuple[str, ...], chosen: dict[str, OwnDimension], what: str) -> "dict[str, Floats]":
    """The columns with the standard deviations (`std`) or numbers (`n`) of ratings, where there are any."""
    columns = {}
    for dimension, own in chosen.items():
        named = own.std if what == "std" else None
        usual = (f"{own.column}_{what}", f"{dimension}_{what}")
        column = named or next((key for key in usual if key in table.columns), "")
        if column:
            columns[dimension] = numbers(table.path, column, tuple(table.column(column)), names)
    return columns


def _card(
    path: Path,
    sidecar: Sidecar,
    chosen: dict[str, OwnDimension],
    items: Items,
    group_is: str,
) -> DatasetCard:
    labels, rows = items.labels, len(items)
    return DatasetCard(
        name=_name(sidecar.name or printable(path.stem)),
        title=f"own table {printable(path.name)}",
        kind="own",
        images=rows,
        dimensions={
            dimension: LabelCard(
                column=own.column,
                direction=own.direction,
                scale=own.scale or (float(np.nanmin(labels[dimension])), float(np.nanmax(labels[dimension]))),
                std=own.std,
                raters=own.raters,
            )
            for dimension, own in chosen.items()
        },
        labels=(LabelFile(file=printable(path.name), sha256=content_sha256(path), rows=rows),),
        reader=f"{__name__}:load_table",
        group=group_is,
        folder=printable(path.parent.resolve().name),
        licence="the user's own data",
        page=printable(str(path)),
        download="the user's own data",
        citation="",
    )


def _name(wanted: str) -> str:
    """An own table never passes for a dataset of the catalogue."""
    return f"own-{wanted}" if wanted in builtin_cards() else wanted


def _notes(items: Items) -> list[str]:
    notes = [missing_images_note(items)]
    for dimension, values in items.labels.items():
        lost = [items.name[row] for row in np.flatnonzero(np.isnan(values))]
        if lost:
            notes.append(f"{len(lost):,} of {len(items):,} rows have no {dimension} label: {first_names(lost)}.")
    return [note for note in notes if note]

"""A user's own table as a dataset: one row per image, one column per dimension."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eliq_bench.datasets.catalog import builtin_cards
from eliq_bench.datasets.labels import numbers
from eliq_bench.datasets.load import missing_images_note, orient, some_of
from eliq_bench.datasets.pictures import Pictures, check_any_image, read_pictures
from eliq_bench.datasets.sidecar import KNOWN_DIMENSIONS, OwnDimension, Sidecar, parse_mapping, read_sidecar
from eliq_bench.datasets.tables import Table, read_table
from eliq_bench.datasets.verify import content_sha256
from eliq_bench.errors import InputError
from eliq_bench.types import Dataset, DatasetCard, Items, LabelCard, LabelFile

if TYPE_CHECKING:
    from eliq_bench.types import Floats

TABLE_SUFFIXES = frozenset((".csv", ".tsv", ".parquet"))
PAIRS = "pairs:"
"""Begins the name of a manifest of pairs."""


def is_table(text: str | Path) -> bool:
    """True if this names a table file rather than a dataset of the catalogue or a manifest of pairs."""
    return Path(text).suffix.lower() in TABLE_SUFFIXES and not is_pairs(text)


def is_pairs(text: str | Path) -> bool:
    """True if this names a manifest of pairs, see `datasets.pairs`."""
    return str(text).startswith(PAIRS)


def load_table(
    path: str | Path, dimensions: Mapping[str, str] | None = None, labels_only: bool = False
) -> Dataset:
    """A CSV, TSV or Parquet table with a column `image` and a column per dimension.

    Paths of images are relative to the table. Columns `prompt`, `generator` and `group` are used if they are
    there; without `group`, items of one prompt form a group, else each image does. A column `<dimension>_std`
    or `<dimension>_n` gives the spread and number of its ratings. Rows without label or image
    stay and are noted.

    Args:
        path: the table. A YAML file of the same stem beside it may describe it, see `sidecar.Sidecar`.
        dimensions: dimension to column, or to `column:lower` where lower is better; replaces the YAML file;
            without both, the columns that have the name of a known dimension count.
        labels_only: True where scores come from elsewhere and no image is needed.

    Raises:
        InputError: the table cannot be read or does not have what it needs.
    """
    path = Path(path)
    table = read_table(path)
    if not table.rows:
        raise InputError(f"{path} has a header but no rows.")
    pictures = read_pictures(table)
    if not labels_only:
        check_any_image(path, pictures)
    sidecar = read_sidecar(path)
    chosen = parse_mapping(dimensions) if dimensions else (sidecar.dimensions or _by_name(table))
    labels = {dimension: _labels(table, pictures, dimension, own.column) for dimension, own in chosen.items()}
    card = _card(path, sidecar, chosen, labels, pictures)
    items = Items(
        name=pictures.name,
        image=pictures.image,
        prompt=pictures.prompt,
        generator=pictures.generator,
        generator_family=pictures.generator,
        group=pictures.group,
        labels=labels,
        label_std=_beside(table, pictures, chosen, "std"),
        label_n=_beside(table, pictures, chosen, "n"),
    )
    return Dataset(card=card, items=orient(card, items), notes=tuple(_notes(items)))


def _by_name(table: Table) -> dict[str, OwnDimension]:
    found: dict[str, OwnDimension] = {}
    for column in table.columns:
        dimension = KNOWN_DIMENSIONS.get(column.lower())
        if dimension and dimension not in found:
            found[dimension] = OwnDimension(column=column)
    if not found:
        raise InputError(
            f"{table.path} has no label column known by name (its columns: {', '.join(table.columns)}); "
            f"name one, as in quality=COLUMN, or write a {table.path.stem}.yaml beside it."
        )
    return found


def _labels(table: Table, pictures: Pictures, dimension: str, column: str) -> "Floats":
    values = numbers(table.path, column, tuple(table.column(column)), pictures.name)
    if np.isnan(values).all():
        raise InputError(f"{table.path}: the column {column!r} ({dimension}) holds no number at all.")
    return values


def _beside(
    table: Table, pictures: Pictures, chosen: dict[str, OwnDimension], what: str
) -> "dict[str, Floats]":
    found = {}
    for dimension, own in chosen.items():
        named = own.std if what == "std" else None
        usual = (f"{own.column}_{what}", f"{dimension}_{what}")
        column = named or next((key for key in usual if key in table.columns), "")
        if column:
            found[dimension] = numbers(table.path, column, tuple(table.column(column)), pictures.name)
    return found


def _card(
    path: Path,
    sidecar: Sidecar,
    chosen: dict[str, OwnDimension],
    labels: "dict[str, Floats]",
    pictures: Pictures,
) -> DatasetCard:
    rows = len(pictures.name)
    return DatasetCard(
        name=_name(sidecar.name or path.stem),
        title=f"own table {path.name}",
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
        labels=(LabelFile(file=path.name, sha256=content_sha256(path), rows=rows),),
        reader=f"{__name__}:load_table",
        group=pictures.group_is,
        folder=path.parent.resolve().name,
        licence="the user's own data",
        page=str(path),
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
            notes.append(f"{len(lost):,} of {len(items):,} rows have no {dimension} label: {some_of(lost)}.")
    return [note for note in notes if note]

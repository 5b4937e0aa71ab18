"""A user's own table as a dataset: one row per image, one column per dimension."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from eliq_bench.cards import DatasetCard, LabelCard, LabelFile, builtin_cards, explain
from eliq_bench.datasets.images import Place, find_images, plain_path
from eliq_bench.datasets.load import missing_images_note, orient
from eliq_bench.datasets.readers import numbers
from eliq_bench.datasets.verify import content_sha256
from eliq_bench.errors import InputError, first_names, plural
from eliq_bench.io.columns import PROMPT, find_column, find_image_column, find_labels
from eliq_bench.io.files import check_file_name, is_file, printable
from eliq_bench.io.tables import TABLE_SUFFIXES, Table, read_table, table_suffix
from eliq_bench.io.user_yaml import read_yaml
from eliq_bench.types import Dataset, Items
from eliq_bench.vocabulary import Direction

if TYPE_CHECKING:
    from eliq_bench.stats.statistic import Floats

PAIRS = "pairs:"
"""Begins the name of a manifest of pairs."""


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
    image_column: str = ""
    """Column with the names of the images; empty finds it, see `io.columns`."""
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
        sidecar = Sidecar.model_validate(read_yaml(path, "the description of a table") or {})
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
    """The items of a table without their labels."""

    items: Items
    group_is: str
    """What a group is, in words."""
    image_column: str
    notes: tuple[str, ...]
    """Sentences on images that were found elsewhere than the table says."""


def read_items(table: Table, image_column: str | None = None) -> OwnItems:
    """Images, prompts, generators and groups of a table.

    Args:
        table: its paths of images are relative to its folder.
        image_column: with these paths; None finds it, see `io.columns.find_image_column`.

    Raises:
        InputError: there is no row, no column of images, an empty cell in it, a row that repeats image and prompt, or
            no image is where the table says and one is in several places.
    """
    named = find_image_column(table, image_column)
    if not table.rows:
        raise InputError(f"{table.path} has a header but no rows.")
    image = [cell.strip() for cell in table.columns[named]]
    prompt = _optional(table, PROMPT)
    if "" in image:
        raise InputError(f"{table.path}, row {image.index('') + 1}: the column {named!r} is empty.")
    pairs = list(zip(image, prompt, strict=True))
    if len(set(pairs)) < len(pairs):
        twice = next(pair for pair, count in Counter(pairs).items() if count > 1)
        rows = first_names([str(row + 1) for row, pair in enumerate(pairs) if pair == twice])
        raise InputError(f"{table.path} has {twice[0]} more than once with the same prompt (rows {rows}); keep one.")
    name = _unique(image)
    group, group_is = _groups(table, name, prompt)
    generator = _optional(table, ("generator",))
    files, notes = _files(table.path.parent, image)
    items = Items(
        name=name,
        image=tuple(files.get(cell) for cell in image),
        prompt=prompt,
        generator=generator,
        generator_family=generator,
        group=group,
    )
    return OwnItems(items, group_is, named, notes)


def _files(folder: Path, cells: list[str]) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Files of the images: as the table says, else by their names in the folder and one below it.

    Raises:
        InputError: no image is where the table says, and one has several files.
    """
    files = {cell: path for cell in cells if (path := _direct(folder, cell))}
    lost = [cell for cell in dict.fromkeys(cells) if cell not in files]
    try:
        found = find_images(lost, [Place(folder, named=False)], any_suffix=True).images if lost else ()
    except InputError:
        if not files:
            raise
        found = ()  # those that are there are enough; the others are counted as missing
    used = set(files.values())  # an image of one row is not that of another with its name but another suffix
    elsewhere = {cell: path for cell, path in zip(lost, found, strict=False) if path and path not in used}
    if not elsewhere:
        return files, ()
    cell, path = next(iter(elsewhere.items()))
    note = f"{plural(len(elsewhere), 'image')} found elsewhere than the table says, such as {path} for {cell}."
    return files | elsewhere, (note,)


def _direct(folder: Path, cell: str) -> Path | None:
    return next((path for path in (folder / cell, folder / plain_path(cell)) if is_file(path)), None)


def check_any_image(path: Path, named: str, items: Items) -> None:
    """Refuse a table none of whose images exists; single missing images only lower the coverage.

    Raises:
        InputError: no image exists.
    """
    if not any(items.image):
        raise InputError(
            f"None of the {len(items):,} images in the column {named!r} of {path} exists (such as {items.name[0]}); "
            f"their paths must be relative to the folder of the table."
        )


def _optional(table: Table, known: tuple[str, ...]) -> tuple[str | None, ...]:
    cells = table.columns.get(find_column(table, known) or "", [""] * table.rows)
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
    column = _optional(table, ("group",))
    source, words = (column, "column group") if any(column) else (prompt, "prompt")
    if not any(source):
        return name, "image"
    return tuple(own if cell is None else cell for own, cell in zip(name, source, strict=True)), words


def is_table(text: str | Path) -> bool:
    """True if this names a table file rather than a dataset of the catalogue or a manifest of pairs."""
    return table_suffix(Path(text)) in TABLE_SUFFIXES and not is_pairs(text)


def is_pairs(text: str | Path) -> bool:
    """True if this names a manifest of pairs, see `datasets.pairs`."""
    return str(text).startswith(PAIRS)


def load_table(
    path: str | Path,
    dimensions: Mapping[str, str] | None = None,
    labels_only: bool = False,
    image_column: str | None = None,
) -> Dataset:
    """A table with a column of images and a column per dimension; what was taken for what is the first of its notes.

    Paths of images are relative to the table; what is not there is searched by its name in the folder and one below it.
    Columns `prompt`, `generator` and `group` are used if they are there; without `group`, items of one prompt form a
    group, else each image does. A column `<dimension>_std` or `<dimension>_n` gives the spread and number of its
    ratings. Rows without label or image stay and are counted in the notes.

    Args:
        path: the table, in any format of `io.tables.read_table`. A YAML file of the same stem beside it may describe
            it, see `Sidecar`.
        dimensions: dimension to column, or to `column:lower` where lower is better; replaces the YAML file;
            without both, the columns that have the name of a known dimension count, see `io.columns`.
        labels_only: True where scores come from elsewhere and no image is needed.
        image_column: with the paths of the images; None takes that of the YAML file or finds it.

    Raises:
        InputError: the table cannot be read or does not have what it needs, or two columns are meant for one thing.
    """
    path = Path(path)
    table = read_table(path)
    sidecar = read_sidecar(path)
    items, group_is, named, notes = read_items(table, image_column or sidecar.image_column)
    if not labels_only:
        check_any_image(path, named, items)
    chosen = parse_mapping(dimensions) if dimensions else (sidecar.dimensions or _by_name(table))
    items = replace(
        items,
        labels={name: _labels(table, items.name, name, own.column) for name, own in chosen.items()},
        label_std=_spread(table, items.name, chosen, "std"),
        label_n=_spread(table, items.name, chosen, "n"),
    )
    card = _card(path, sidecar, chosen, items, group_is)
    notes = (_taken(table, named, chosen), *notes, *_notes(items, labels_only))
    return Dataset(card=card, items=orient(card, items), notes=notes)


def _by_name(table: Table) -> dict[str, OwnDimension]:
    return {dimension: OwnDimension(column=column) for dimension, column in find_labels(table).items()}


def _taken(table: Table, named: str, chosen: dict[str, OwnDimension]) -> str:
    """How the table was understood, in a sentence."""
    layout = f"read as {table.layout}; " if table.layout else ""
    labels = [f"{dimension} from {own.column!r} ({own.direction} is better)" for dimension, own in chosen.items()]
    return f"{printable(table.path.name)}: {layout}images from the column {named!r}, {', '.join(labels)}."


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
        name=_name(sidecar.name or printable(path.stem).replace("\\", "_"), path),
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


def _name(wanted: str, path: Path) -> str:
    """An own table never passes for a dataset of the catalogue."""
    try:
        check_file_name(wanted)
    except ValueError as error:
        raise InputError(f"{path}: {error}; rename the table, or name the dataset in {path.stem}.yaml.") from error
    return f"own-{wanted}" if wanted in builtin_cards() else wanted


def _notes(items: Items, labels_only: bool) -> list[str]:
    notes = [missing_images_note(items, labels_only)]
    for dimension, values in items.labels.items():
        lost = [items.name[row] for row in np.flatnonzero(np.isnan(values))]
        if lost:
            notes.append(f"{len(lost):,} of {len(items):,} rows have no {dimension} label: {first_names(lost)}.")
    return [note for note in notes if note]

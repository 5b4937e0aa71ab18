"""Images that may become positives, with what is known about each: a folder, a folder with an index, or a table."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from eliq_bench.errors import InputError
from eliq_bench.io.columns import find_image_column
from eliq_bench.io.files import file_names, is_file, is_image_name
from eliq_bench.io.tables import Table, read_table

INDEX_FILES = ("index.csv", "index.tsv", "index.parquet")
PHOTOGRAPHS = frozenset(("", "photograph", "photo", "camera", "real"))
"""Words in a column `generator` for images that no generator made."""


class Candidate(NamedTuple):
    """An image file and its row in the table."""

    name: str
    """Path relative to the root, with forward slashes."""
    prompt: str | None
    generator: str | None
    """None for photographs and where it is unknown."""
    source: str


class DrawnNegative(NamedTuple):
    """An image drawn to be worse than another on one aspect, and its row in the table, not yet checked."""

    name: str
    """Path relative to the root, with forward slashes."""
    negative_of: str
    """Path of its positive."""
    mode: str
    severity: str
    seed: str


class Candidates(NamedTuple):
    """All images of a source, sorted by name."""

    root: Path
    images: tuple[Candidate, ...]
    notes: tuple[str, ...]
    """Sentences on what was left out and why."""
    negatives: tuple[DrawnNegative, ...] = ()
    """Negatives that the table names; they are never positives."""

    def thinned(self, limit: int | None) -> "Candidates":
        """With about this many images, spread evenly over the list; None keeps all."""
        total = len(self.images)
        if limit is None or limit >= total:
            return self
        return self._replace(images=tuple(self.images[at * total // limit] for at in range(limit)))


def find_candidates(given: Path) -> Candidates:
    """The images of a table, of a folder with an index table, or of a folder.

    A table has a column with paths, `image` or another that `io.columns` knows, relative to its folder or to the
    folder `images` in it (where they lead elsewhere, the root is the nearest folder that holds everything); the
    columns `prompt`, `generator` and `source` are used if they are there. An image with two different
    prompts is left out, since one of them may be wrong. A row with a cell in `negative_of` is a negative of
    that image, with the columns `mode`, `severity` and `seed` (see `pairs generate`).

    Raises:
        InputError: nothing is there, a table has no such column, or no image is found.
    """
    if is_file(given) and is_image_name(given.name):
        raise InputError(f"{given} is an image; give its folder, {given.parent}, or a table of images.")
    if is_file(given):
        return _from_table(read_table(given))
    if not given.is_dir():
        raise InputError(f"{given} does not exist; give a folder of images or a table of them.")
    for name in INDEX_FILES:
        if (given / name).is_file():
            return _from_table(read_table(given / name))
    images = [
        Candidate((folder / name).relative_to(given).as_posix(), None, None, "")
        for folder, names in file_names(given)
        for name in names
        if is_image_name(name)
    ]
    if not images:
        raise InputError(f"{given} holds no image and no {' or '.join(INDEX_FILES)}.")
    return Candidates(given, tuple(sorted(images)), ())


def _from_table(table: Table) -> Candidates:
    root = table.path.parent
    column = find_image_column(table)
    base = _base(root, table.columns[column])
    empty = [""] * table.rows
    rows: dict[str, Candidate] = {}
    ambiguous: Counter[str] = Counter()
    negatives, is_positive = _negatives(table, base, column)
    for cell, prompt, generator, source, wanted in zip(
        table.columns[column],
        *(table.columns.get(name, empty) for name in ("prompt", "generator", "source")),
        is_positive,
        strict=True,
    ):
        if not wanted:
            continue
        name = _placed(root, base, cell)
        drawn_by = None if generator.strip().lower() in PHOTOGRAPHS else generator.strip()
        row = Candidate(name, prompt.strip() or None, drawn_by, source.strip())
        if rows.setdefault(name, row).prompt != row.prompt:
            ambiguous[name] += 1
    if not rows:
        raise InputError(f"{table.path} has no rows.")
    notes = []
    if ambiguous:
        first = ", ".join(sorted(ambiguous)[:3])
        notes.append(f"{len(ambiguous):,} images with two different prompts were left out, such as {first}.")
    excluded = ambiguous.keys() | {row.name for row in negatives}
    kept = (row for name, row in rows.items() if name not in excluded)
    return Candidates(base, tuple(sorted(kept, key=lambda row: row.name)), tuple(notes), negatives)


def _negatives(table: Table, base: Path, column: str) -> tuple[tuple[DrawnNegative, ...], list[bool]]:
    """The rows that are negatives, sorted by name, and for each row whether it may be a positive."""
    if "negative_of" not in table.columns:
        return (), [True] * table.rows
    root = table.path.parent
    columns = [table.column(name) for name in (column, "negative_of", "mode", "severity", "seed")]
    rows = {
        DrawnNegative(_placed(root, base, name), _placed(root, base, positive), *rest)
        for name, positive, *rest in zip(*columns, strict=True)
        if positive
    }
    return tuple(sorted(rows)), [not cell for cell in table.columns["negative_of"]]


def _base(root: Path, cells: Sequence[str]) -> Path:
    """The folder of a table, or the nearest above it that holds all images which the table names."""
    elsewhere = [cell for cell in cells if _leads_elsewhere(cell)]
    if not elsewhere:
        return root
    here = root.absolute()
    return Path(os.path.commonpath([here, *(os.path.normpath(here / cell) for cell in elsewhere)]))


def _leads_elsewhere(cell: str) -> bool:
    return Path(cell).is_absolute() or ".." in Path(cell).parts


def _placed(root: Path, base: Path, cell: str) -> str:
    """Path of an image relative to the base: as the table has it, or in the folder `images`."""
    inside = "images/" if (root / "images").is_dir() else ""
    name = cell if is_file(root / cell) else inside + cell
    if base == root and not _leads_elsewhere(name):
        return name
    return Path(os.path.normpath(root.absolute() / name)).relative_to(base).as_posix()

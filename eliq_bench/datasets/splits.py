"""Parts of a dataset by name, and what leaks between the parts of a split.

A split leaks where a group (a prompt, a reference image, a photograph) has images on both sides: what was fitted to one
of them knows the other.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eliq_bench.cards import DatasetCard, DatasetSplit
from eliq_bench.datasets.images import plain_path
from eliq_bench.datasets.locate import find_labels, homes
from eliq_bench.datasets.subset import joined_groups
from eliq_bench.datasets.verify import matches_sha256
from eliq_bench.errors import InputError, did_you_mean, first_names, plural
from eliq_bench.io.columns import find_image_column
from eliq_bench.io.files import file_names
from eliq_bench.io.tables import Table, read_table, table_suffix
from eliq_bench.registry import resolve
from eliq_bench.stats.ridge import group_folds
from eliq_bench.types import Dataset, Items

PART_COLUMNS = ("split", "set", "subset", "official_split", "fold", "part", "phase")
"""Columns of a split file that name the part of each image, in lower case."""
_FOLDS = re.compile(r"folds:(\d{1,3})(?:/(\d{1,3}))?")


class Leak(NamedTuple):
    """What two parts of a split share."""

    first: str
    second: str
    groups: tuple[str, ...]
    """Groups with images in both, in the order of the dataset."""
    images: tuple[str, ...]
    """Images that stand in both."""
    exposed: int
    """Images of the second part whose group has images in the first."""
    second_groups: int
    """All groups of the second part."""

    def __str__(self) -> str:
        twice = f"; {plural(len(self.images), 'image')} in both ({first_names(self.images)})" if self.images else ""
        share = f"{len(self.groups):,} of {plural(self.second_groups, 'group')} of {self.second}"
        return f"{share} are in {self.first} too, with {plural(self.exposed, 'image')} of {self.second}{twice}"


def take_split(dataset: Dataset, name: str, roots: Sequence[Path], seed: int = 0) -> Dataset:
    """One part of a dataset, marked as a subset.

    Args:
        dataset: a whole dataset of the catalogue.
        name: a split of its card, or `folds:K/I`, fold I of K that no group is divided between, dealt out by the seed.
        roots: folders to search for a file with the split.
        seed: of the folds.

    Raises:
        InputError: the card has no such split, its file is not here or not the one of the card, or it names other
            images or another number of them.
    """
    if dataset.pairs:
        raise InputError(f"{dataset.card.name} is made of pairs, which have no splits; leave out --split.")
    items = dataset.items
    if folds := _FOLDS.fullmatch(name):
        keep = _fold(items, int(folds[1]), folds[2], seed)
        note = f"fold {folds[2]} of {folds[1]} by group, seed {seed}"
    else:
        split = _known(dataset.card, name)
        wanted = set(split_names(dataset.card, split, roots))
        place = _finder(items)
        keep = sorted({row for image in wanted if (row := place(image)) is not None})
        if len(keep) != (split.rows or len(wanted)):
            raise InputError(
                f"The split {name} of {dataset.card.name} names {len(wanted):,} images, of which the dataset has "
                f"{len(keep):,}{f' where its card says {split.rows:,}' if split.rows else ''}; it is another split, or "
                f"belongs to another variant."
            )
        note = f"split {name}" + (f" ({split.source})" if split.source else "")
    items = replace(items, group=joined_groups(items))
    text = f"{note}, {len(keep):,} of {len(items):,} items"
    return replace(dataset, items=items.take(keep), subset=text)


def split_names(card: DatasetCard, split: DatasetSplit, roots: Sequence[Path]) -> list[str]:
    """The images of a split: those of a column of the label table, or of a file of its own.

    Raises:
        InputError: the file is not here or another one.
    """
    if split.column:
        found = find_labels(card, roots)
        here = [
            part.model_copy(update={"file": files[0]}) for part, files in zip(card.labels, found.files, strict=True)
        ]
        options = {**card.options, "keep": {split.column: split.value}}
        items: Items = resolve(card.reader)(card.model_copy(update={"options": options, "labels": here}), found.folder)
        return list(items.name)
    for home in homes(card, roots):
        for folder, names in file_names(home):
            if split.file in names:
                path = folder / split.file
                if split.sha256 and not matches_sha256(path, split.sha256):
                    raise InputError(f"{path} is not the split that the card of {card.name} knows; get it again.")
                return [name for part in read_parts([path]).values() for name in part]
    raise InputError(
        f"{split.file}, which lists a split of {card.name} ({split.source}), was not found; put it into the folder of "
        f"the dataset."
    )


def read_parts(paths: Sequence[Path]) -> dict[str, list[str]]:
    """Parts of a split by name: each file is one, unless it has a column that names the part of each image.

    Args:
        paths: tables, JSON lists as of Q-Align and DeQA, or texts with a name in each line.

    Raises:
        InputError: a file is none of these.
    """
    parts: dict[str, list[str]] = {}
    for path in paths:
        if path.suffix == ".txt" and "," not in path.read_text(encoding="utf-8", errors="replace"):
            names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
            parts.setdefault(path.stem, []).extend(names)
            continue
        table = read_table(path)
        names = table.column(find_image_column(table))
        for part, name in zip(_part_column(table, path), names, strict=True):
            parts.setdefault(part, []).append(name)
    return parts


def leaks(items: Items, parts: Mapping[str, Iterable[str]]) -> tuple[list[Leak], list[str]]:
    """What every two parts share, and the names that the dataset lacks.

    Args:
        items: of the whole dataset; groups with equal files are one.
        parts: names of images by part.
    """
    place = _finder(items)
    groups = joined_groups(items)
    placed = {part: {name: place(name) for name in names} for part, names in parts.items()}
    known = {part: {row for row in rows.values() if row is not None} for part, rows in placed.items()}
    lost = [name for rows in placed.values() for name, row in rows.items() if row is None]
    found = []
    for (first, one), (second, other) in itertools.combinations(known.items(), 2):
        shared = {groups[position] for position in one} & {groups[position] for position in other}
        if shared:
            found.append(
                Leak(
                    first,
                    second,
                    tuple(group for group in dict.fromkeys(groups) if group in shared),
                    tuple(items.name[position] for position in sorted(one & other)),
                    sum(groups[position] in shared for position in other),
                    len({groups[position] for position in other}),
                )
            )
    return found, lost


def _known(card: DatasetCard, name: str) -> DatasetSplit:
    if name in card.splits:
        return card.splits[name]
    known = [*card.splits, "folds:K/I"]
    hint = did_you_mean(name, known)
    raise InputError(f"{card.name} has no split {name!r} (it has {', '.join(known)}).{hint}")


def _fold(items: Items, count: int, number: str | None, seed: int) -> list[int]:
    """Rows of one fold, as in the protocol `probe`."""
    if number is None or not 1 <= int(number) <= count or count < 2:
        raise InputError(f"Name one fold, from folds:{count}/1 to folds:{count}/{count}, of at least 2.")
    codes = np.unique(joined_groups(items), return_inverse=True)[1]
    if codes.max() + 1 < count:
        raise InputError(f"{codes.max() + 1:,} groups cannot be dealt into {count} folds; ask for fewer.")
    return np.flatnonzero(group_folds(codes, count, seed) == int(number) - 1).tolist()


def _part_column(table: Table, path: Path) -> list[str]:
    for name, cells in table.columns.items():
        if name.strip().lower() in PART_COLUMNS and len(set(cells)) > 1:
            return cells
    stem = Path(path.stem).stem if table_suffix(path) != path.suffix.lower() else path.stem
    return [stem] * table.rows


def _finder(items: Items) -> Callable[[str], int | None]:
    """The row of an image, by its name as splits of the field write it: without case, with other folders in front, or
    without any where that is clear.
    """
    whole = [plain_path(name).lower() for name in items.name]
    last = [name.rpartition("/")[2] for name in whole]
    count = Counter(last)
    known = {name: row for row, name in enumerate(last) if count[name] == 1}
    known |= {name: row for row, name in enumerate(whole)}

    def find(name: str) -> int | None:
        folders = plain_path(name).lower().split("/")
        tails = ("/".join(folders[start:]) for start in range(len(folders)))
        return next((known[tail] for tail in tails if tail in known), None)

    return find
